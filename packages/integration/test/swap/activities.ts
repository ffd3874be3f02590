export async function reverse(text: string): Promise<string> {
  return Array.from(text).toReversed().join('');
}
