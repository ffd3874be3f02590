import type { MetricMeter } from '@temporalio/common';
import { CHANNELS, type StorageTrace } from './diagnostics';
import type { RedisStorageDriverOperation } from './errors';

/**
 * Records what all drivers of this process do as metrics of `meter`, e.g. the SDK's `Runtime.instance().metricMeter`:
 * `redis_storage_operation_duration` and `redis_storage_queue_duration` in seconds, `redis_storage_payload_size` in bytes, and
 * `redis_storage_retries`. Their tags are `operation`, `outcome` and `driver_name`. Returns the function that ends it.
 *
 * @experimental
 */
export function recordMetrics(meter: MetricMeter): () => void {
  const duration = meter.createHistogram(
    'redis_storage_operation_duration',
    'float',
    's',
    'How long it took to store or retrieve one payload, waiting and hashing included',
  );
  const queueDuration = meter.createHistogram(
    'redis_storage_queue_duration',
    'float',
    's',
    "How long a payload waited for the SDK's limiter and for maxBytesInFlight",
  );
  const size = meter.createHistogram('redis_storage_payload_size', 'int', 'By', 'The size of a serialized payload');
  const retries = meter.createCounter('redis_storage_retries', '1', 'Requests that were made again');

  const subscribe = (operation: RedisStorageDriverOperation): (() => void) => {
    const record = (message: unknown): void => {
      const { driverName, outcome, ...trace } = message as StorageTrace;
      const tags = { operation, outcome: outcome ?? 'failed', driver_name: driverName };
      try {
        duration.record(trace.durationMs / 1000, tags);
        queueDuration.record(trace.queuedMs / 1000, tags);
        if (trace.size !== undefined) size.record(trace.size, tags);
        if (trace.attempts > 1) retries.add(trace.attempts - 1, tags);
      } catch {
        // Node would end the process: a payload matters more than a metric.
      }
    };
    const { asyncEnd } = CHANNELS[operation];
    asyncEnd.subscribe(record);
    return () => {
      asyncEnd.unsubscribe(record);
    };
  };
  const subscriptions = [subscribe('store'), subscribe('retrieve')];
  return () => subscriptions.forEach((unsubscribe) => unsubscribe());
}
