import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DataConverter } from '@temporalio/common';
import { readCodeBlock, runCodeBlock } from './code-block';
import { useRedisStorage } from './redis-storage';
import { plain, readAnswer, reference, type Answer, type JsonPayload } from './requests';

type Verify = (authorization: string, namespace: string) => Promise<boolean>;

const ORIGIN = 'https://temporal.example.com';
const PAYLOAD = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"secret"') };
const storage = useRedisStorage();
const verify: Verify = async (authorization, namespace) => authorization === `Bearer of ${namespace}`;
let server: Server;

beforeAll(async () => {
  const code = readCodeBlock('docs/web-ui.md', 'authorizeReference').replace('.listen(8081,', '.listen(0,');
  const { exports } = await runCodeBlock(code, {});
  const startCodecServer = exports['startCodecServer'] as (dataConverter: DataConverter, verify: Verify) => Server;
  server = startCodecServer({ externalStorage: storage.externalStorage }, verify);
  await once(server, 'listening');
});

afterAll(() => server?.close());

async function download(payload: JsonPayload, namespace: string, token: string): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return readAnswer(
    await fetch(`http://127.0.0.1:${port}/codec/download?preserveStorageRefs=true`, {
      method: 'POST',
      body: JSON.stringify({ payloads: [payload] }),
      headers: { Authorization: token, 'X-Namespace': namespace, Origin: ORIGIN, Connection: 'close' },
    }),
  );
}

describe("the document's codec server for production", () => {
  it('serves the payloads of a namespace to who may see it, and to nobody else', async () => {
    const { json } = await storage.store(PAYLOAD, 'mine');
    const answer = await download(json, 'mine', 'Bearer of mine');
    expect(answer).toMatchObject({ status: 200, payloads: [plain('secret')] });
    expect(answer.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(await download(json, 'mine', 'Bearer of other')).toMatchObject({ status: 401 });
    expect(await download(json, 'other', 'Bearer of other')).toMatchObject({ status: 403 });
  });

  it('serves payloads without a workflow to everybody with a token', async () => {
    const [claim] = await storage.driver.store({}, [PAYLOAD]);
    const json = reference(storage.driver.name, claim!.claimData);
    expect(await download(json, 'other', 'Bearer of other')).toMatchObject({ status: 200 });
    expect(await download(json, 'other', '')).toMatchObject({ status: 401 });
  });
});
