import { once } from 'node:events';
import { connect } from 'node:net';

/** Whether a server listens at the address. */
export async function isReachable({ host, port }: { host: string; port: number }): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
