import { findGrowth, type Sample } from '../src/soak/trend';

const REST: Sample = { heapMiB: 40, buffersMiB: 10, rssMiB: 300, resources: 20, listeners: 0 };

function samples(count: number, at: (index: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: count }, (_, index) => ({ ...REST, ...at(index) }));
}

describe('what grew in a soak', () => {
  it('is nothing while all comes back to where it was', () => {
    expect(
      findGrowth(samples(30, (index) => ({ heapMiB: 40 + (index % 3) * 10, resources: 20 + (index % 2) * 30 }))),
    ).toEqual([]);
  });

  it('is nothing that only warms up', () => {
    expect(findGrowth(samples(30, (index) => ({ heapMiB: Math.min(40 + index * 10, 100) })))).toEqual([]);
  });

  it.each<[keyof Sample, number, string]>([
    ['heapMiB', 2, 'heapMiB grew from 60.0 to 80.0'],
    ['buffersMiB', 3, 'buffersMiB grew from 40.0 to 70.0'],
    ['rssMiB', 20, 'rssMiB grew from 500.0 to 700.0'],
    ['resources', 2, 'resources grew from 40.0 to 60.0'],
    ['listeners', 1, 'listeners grew from 10.0 to 20.0'],
  ])('is what goes on growing: %s', (name, step, words) => {
    expect(findGrowth(samples(30, (index) => ({ [name]: REST[name] + index * step })))).toEqual([words]);
  });

  it('takes three samples to tell', () => {
    expect(() => findGrowth(samples(2, () => ({})))).toThrow('A trend takes 3 samples at least, got 2');
  });
});
