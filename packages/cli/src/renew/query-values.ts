/**
 * Ids that a query can hold between double quotes and still mean themselves: printable ASCII but quotes and the
 * backslash. Every other id is asked in another way, so that no id can change a query.
 */
const QUOTABLE = /^[ !#-&(-[\]-_a-~]+$/;

/** Ids in one query. Each stands in it twice at most. */
const MAX_IDS = 100;
const MAX_LENGTH = 10_000;

/** Whether an id can be part of a query. */
export function isQuotable(id: string): boolean {
  return QUOTABLE.test(id) && id.length <= 1000;
}

/** `"a", "b"` for an `IN (…)`. Each id must be quotable. */
export function quoteIds(ids: string[]): string {
  return ids.map((id) => `"${id}"`).join(', ');
}

/** Splits ids into lists that fit into a query. */
export function splitForQueries(ids: string[]): string[][] {
  const lists: string[][] = [];
  let length = Infinity;
  for (const id of ids) {
    if (length + id.length > MAX_LENGTH || lists.at(-1)!.length === MAX_IDS) {
      lists.push([]);
      length = 0;
    }
    lists.at(-1)!.push(id);
    length += id.length;
  }
  return lists;
}
