/** Runs an asynchronous function over items, a few at a time, in order of the list. */
export async function parallel<Item, Result>(
  items: readonly Item[],
  jobs: number,
  work: (item: Item, lane: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  const lane = async (number: number) => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index], number);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, items.length) }, (_, n) => lane(n)));
  return results;
}
