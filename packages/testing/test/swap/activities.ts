export async function reverse(text: string): Promise<string> {
  return [...text].toReversed().join('');
}
