import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { run } from './run';

/** The npm scope of the published packages. */
export const SCOPE = '@temporal-redis-storage';

/** A running npm registry that has nothing but the packages of {@link SCOPE}, as they would be published. */
export interface Registry {
  url: string;
  stop(): Promise<void>;
}

/** Starts a registry that serves tarballs, given by the packages' folder names. */
export async function startRegistry(tarballs: Record<string, string>): Promise<Registry> {
  // Yarn and Bun cache tarballs by URL: a path of its own keeps those of an earlier run out.
  const path = `/${randomUUID()}/`;
  const answers = new Map<string, string | Buffer>();
  const server = createServer((request, response) => {
    const answer = answers.get(decodeURIComponent(request.url ?? ''));
    response.writeHead(answer === undefined ? 404 : 200).end(answer ?? '{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

  for (const [name, tarball] of Object.entries(tarballs)) {
    const content = await readFile(tarball);
    const manifest = JSON.parse(
      await run(dirname(tarball), 'tar', ['-xzOf', tarball, 'package/package.json']),
    ) as Record<string, unknown> & { version: string };
    const dist = {
      tarball: `${url}tarballs/${name}.tgz`,
      integrity: `sha512-${createHash('sha512').update(content).digest('base64')}`,
    };
    const { version } = manifest;
    // Package managers may refuse versions that are younger than a day.
    const published = '2026-01-01T00:00:00.000Z';
    const packument = {
      name: `${SCOPE}/${name}`,
      'dist-tags': { latest: version },
      time: { created: published, modified: published, [version]: published },
      versions: { [version]: { ...manifest, dist } },
    };
    answers.set(`${path}${SCOPE}/${name}`, JSON.stringify(packument));
    answers.set(`${path}tarballs/${name}.tgz`, content);
  }

  return {
    url,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
