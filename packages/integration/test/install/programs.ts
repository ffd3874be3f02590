export type Adapter = keyof typeof ADAPTERS;

interface AdapterProgram {
  /** The Redis library that the adapter wraps. */
  library: string;
  /** Imported names by module. */
  imports: Record<string, string>;
  connect: string;
  close: string;
}

/** The published adapters by folder name. */
export const ADAPTERS = {
  'node-redis': {
    library: 'redis',
    imports: { redis: 'createClient', '@temporal-redis-storage/node-redis': 'NodeRedisStorageDriverClient' },
    connect: `const redis = await createClient({ url: process.env['REDIS_URL'] ?? '' }).connect();
  const client = new NodeRedisStorageDriverClient(redis);`,
    close: 'await redis.close();',
  },
  ioredis: {
    library: 'ioredis',
    imports: { ioredis: 'Redis', '@temporal-redis-storage/ioredis': 'IoredisStorageDriverClient' },
    connect: `const redis = new Redis(process.env['REDIS_URL'] ?? '');
  const client = new IoredisStorageDriverClient(redis);`,
    close: 'redis.disconnect();',
  },
  upstash: {
    library: '@upstash/redis',
    imports: { '@upstash/redis': 'Redis', '@temporal-redis-storage/upstash': 'UpstashStorageDriverClient' },
    connect: `const redis = new Redis({ url: process.env['UPSTASH_URL'] ?? '', token: process.env['UPSTASH_TOKEN'] ?? '' });
  const client = new UpstashStorageDriverClient(redis);`,
    close: '',
  },
} satisfies Record<string, AdapterProgram>;

const COMMON_IMPORTS = {
  'node:assert': 'strictEqual',
  '@temporalio/client': 'Client, Connection',
  '@temporalio/common': 'ApplicationFailure, ExternalStorage',
  '@temporal-redis-storage/core': 'RedisStorageDriver',
};

/**
 * Creates a program that stores and retrieves a payload, retrieves a missing one, and starts a workflow with a large
 * argument.
 */
export function createProgram(adapter: Adapter, form: 'import' | 'require'): string {
  const { imports, connect, close }: AdapterProgram = ADAPTERS[adapter];
  const header = Object.entries({ ...COMMON_IMPORTS, ...imports }).map(([module, names]) =>
    form === 'import' ? `import { ${names} } from '${module}';` : `const { ${names} } = require('${module}');`,
  );
  return `${header.join('\n')}

async function main() {
  ${connect}
  const driver = new RedisStorageDriver({ client, keyPrefix: process.env['KEY_PREFIX'] ?? '', ttl: '1 hour' });

  const data = new Uint8Array(300_000).fill(7);
  const [claim] = await driver.store({}, [{ metadata: { encoding: Buffer.from('binary/plain') }, data }]);
  const [payload] = await driver.retrieve({}, [claim!]);
  strictEqual(Buffer.compare(payload!.data!, data), 0);

  const claimData = { ...claim!.claimData, key: claim!.claimData['key']!.slice(0, -64) + 'f'.repeat(64) };
  const failure = await driver.retrieve({}, [{ claimData }]).then(() => undefined, (error) => error);
  strictEqual(failure instanceof ApplicationFailure, true, String(failure));
  strictEqual(failure.type, 'PayloadNotFoundError');

  const connection = await Connection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
  const dataConverter = { externalStorage: new ExternalStorage({ drivers: [driver] }) };
  const temporal = new Client({ connection, namespace: process.env['TEMPORAL_NAMESPACE'] ?? '', dataConverter });
  const workflowId = process.env['KEY_PREFIX'] ?? '';
  const workflow = await temporal.workflow.start('none', { workflowId, taskQueue: 'none', args: ['x'.repeat(400_000)] });
  await workflow.terminate();
  await connection.close();
  ${close}
  console.log('done');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
`;
}

/** Removes the non-null assertions, which are the program's only TypeScript syntax. */
export function removeTypes(program: string): string {
  return program.replace(/(?<=[\w\])])!(?=[\].,;)])/g, '');
}
