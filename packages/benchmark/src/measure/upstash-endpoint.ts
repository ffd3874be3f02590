import { startUpstash } from '@temporal-redis-storage/testing';
import { serve } from './server-process';

serve<'upstash-endpoint'>(async (redis) => {
  const { url, token } = await startUpstash({ redis });
  return { url, token };
});
