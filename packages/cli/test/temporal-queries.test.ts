import { Connection } from '@temporalio/client';
import { startTemporal, type RunningTemporal } from '@temporal-redis-storage/testing';
import { TemporalQueries } from '../src/renew/temporal-queries';
import { connectTemporal } from '../src/temporal-connection';

jest.setTimeout(60_000);

describe('a question about a run', () => {
  let temporal: RunningTemporal;
  let connection: Connection;

  beforeAll(async () => {
    temporal = await startTemporal();
    connection = await Connection.connect({ address: temporal.address });
  });

  afterAll(async () => {
    await connection?.close();
    await temporal?.stop();
  });

  const openQueries = (namespace: string): TemporalQueries =>
    new TemporalQueries(connectTemporal({ connection, namespace }), 10, undefined);

  it('is answered by nothing if there is none', async () => {
    const queries = openQueries(temporal.namespace);
    await expect(queries.describeLatestRun('absent')).resolves.toBeUndefined();
    await expect(queries.describeActivity('absent')).resolves.toBeUndefined();
  });

  // A busy server answers so of a namespace that it has: what it says nothing about must not be left to expire.
  it('is not answered by "Namespace … is not found"', async () => {
    const queries = openQueries('absent');
    await expect(queries.describeLatestRun('any')).rejects.toThrow('Namespace absent is not found');
    await expect(queries.describeActivity('any')).rejects.toThrow('Namespace absent is not found');
    expect(queries.failure).toContain('Namespace absent is not found');
  });
});
