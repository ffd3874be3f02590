import { GREETING } from './shared-file';

export async function greet(name: string): Promise<string> {
  return `${GREETING}, ${name}`;
}
