export { openBackDoor, openClusterBackDoor, type BackDoor } from './back-door';
export { describeClientContract, type ContractSubject } from './contract';
export { startFaultProxy, type FaultProxy } from './fault-proxy';
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
} from './faults';
export { InMemoryStorageDriverClient } from './in-memory-client';
export {
  describeReplicaReads,
  describeUnconfirmedMisses,
  type ConnectedClient,
  type ReplicaReader,
} from './miss-contract';
export { prepareRedis, prepareTemporal } from './prepare';
export { startRedis, type RedisAddress, type RunningRedis } from './redis';
export { startRedisCluster, type RunningRedisCluster } from './redis-cluster';
export { startRedisSentinel, type RunningRedisSentinel } from './redis-sentinel';
export { startTemporal, type RunningTemporal } from './temporal';
export { startUpstash, type UpstashIntercept, type UpstashServer } from './upstash';
