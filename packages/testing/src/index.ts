export { openBackDoor, openClusterBackDoor, type BackDoor } from './servers/back-door';
export { requireBrowser } from './servers/browser';
export { describeClientContract } from './contract/describe-client-contract';
export { cleanUpAfterEach } from './clean-up';
export { startFaultProxy, type FaultProxy } from './faults/fault-proxy';
export {
  after,
  corrupt,
  cut,
  delay,
  hold,
  once,
  pass,
  reset,
  swallow,
  throttle,
  type Fault,
  type FaultyLink,
} from './faults/faults';
export {
  describeReplicaReads,
  describeUnconfirmedMisses,
  type ConnectedClient,
  type ReplicaReader,
} from './contract/miss-contract';
export { prepareRedis, prepareTemporal } from './servers/prepare';
export { startRedis, type RedisAddress, type RunningRedis } from './servers/redis';
export { startRedisCluster, type RunningRedisCluster } from './servers/redis-cluster';
export { startRedisSentinel, type RunningRedisSentinel } from './servers/redis-sentinel';
export { startTemporal, type RunningTemporal, type TemporalOptions } from './servers/temporal';
export { startUpstash, type UpstashIntercept, type UpstashServer } from './upstash/server';
