import { Connection } from '@temporalio/client';
import { startTemporal } from '../src/servers/temporal';
import { waitUntil } from '../src/wait-until';
import { withKilledParent } from './killed-parent';
import { isReachable } from './reachable';

async function isUp({ address }: { address: string }): Promise<boolean> {
  const { hostname: host, port } = new URL(`tcp://${address}`);
  return isReachable({ host, port: Number(port) });
}

describe('startTemporal', () => {
  const environment = { ...process.env };
  // The tests must not start or stop a server that is already running.
  const isExternal = process.env.TEMPORAL_ADDRESS !== undefined;
  afterEach(() => {
    process.env = { ...environment };
  });

  it('returns the address of a server and an existing namespace', async () => {
    const { address, namespace, stop } = await startTemporal();
    try {
      const connection = await Connection.connect({ address });
      const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace });
      expect(namespaceInfo?.name).toBe(namespace);
      await connection.close();
    } finally {
      await stop();
    }
  });

  it('serves the Web UI on request, with the codec server that it is given', async () => {
    const codecEndpoint = 'http://127.0.0.1:8081';
    const { uiUrl, namespace, stop } = await startTemporal({ ui: { codecEndpoint } });
    try {
      const settings = await fetch(`${uiUrl}/api/v1/settings`);
      expect(await settings.json()).toMatchObject({ Codec: { Endpoint: codecEndpoint }, DefaultNamespace: namespace });
      expect(await (await fetch(uiUrl!)).text()).toContain('<html');
    } finally {
      await stop();
    }
  });

  it('ends the server that it started on stop', async () => {
    const server = await startTemporal();
    await server.stop();

    expect(await isUp(server)).toBe(isExternal);
  });

  it('ends the server when its process is killed', async () => {
    await withKilledParent('startTemporal', async (server) => {
      await expect(
        waitUntil('the server has ended', [server], async () => (await isUp(server)) === isExternal),
      ).resolves.toBeUndefined();
    });
  });

  it('uses the server at TEMPORAL_ADDRESS, with TEMPORAL_NAMESPACE or default', async () => {
    process.env.TEMPORAL_ADDRESS = 'temporal.example:7233';
    delete process.env.TEMPORAL_NAMESPACE;
    expect(await startTemporal()).toMatchObject({ address: 'temporal.example:7233', namespace: 'default' });

    process.env.TEMPORAL_NAMESPACE = 'orders';
    expect(await startTemporal()).toMatchObject({ address: 'temporal.example:7233', namespace: 'orders' });
  });

  it('rejects a TEMPORAL_CLI_PATH that is not an executable file', async () => {
    delete process.env.TEMPORAL_ADDRESS;
    process.env.TEMPORAL_CLI_PATH = '/nonexistent/temporal';

    await expect(startTemporal()).rejects.toThrow("TEMPORAL_CLI_PATH is '/nonexistent/temporal'");
  });
});
