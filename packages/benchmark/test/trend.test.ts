import { findGrowth, type Sample } from '../src/soak/trend';

const IDLE: Sample = { heapMiB: 40, buffersMiB: 10, rssMiB: 300, resources: 20, listeners: 0 };

function createSamples(count: number, createValues: (index: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: count }, (_, index) => ({ ...IDLE, ...createValues(index) }));
}

describe('findGrowth', () => {
  it('reports nothing when every value returns to its minimum', () => {
    expect(
      findGrowth(createSamples(30, (index) => ({ heapMiB: 40 + (index % 3) * 10, resources: 20 + (index % 2) * 30 }))),
    ).toEqual([]);
  });

  it('ignores growth during the warm-up', () => {
    expect(findGrowth(createSamples(30, (index) => ({ heapMiB: Math.min(40 + index * 10, 100) })))).toEqual([]);
  });

  it.each<[keyof Sample, number, string]>([
    ['heapMiB', 2, 'heapMiB grew from 60.0 to 80.0'],
    ['buffersMiB', 3, 'buffersMiB grew from 40.0 to 70.0'],
    ['rssMiB', 20, 'rssMiB grew from 500.0 to 700.0'],
    ['resources', 2, 'resources grew from 40.0 to 60.0'],
    ['listeners', 1, 'listeners grew from 10.0 to 20.0'],
  ])('reports a value that grows until the end: %s', (name, step, message) => {
    expect(findGrowth(createSamples(30, (index) => ({ [name]: IDLE[name] + index * step })))).toEqual([message]);
  });

  it('rejects fewer than three samples', () => {
    expect(() => findGrowth(createSamples(2, () => ({})))).toThrow('A trend needs at least 3 samples, got 2');
  });
});
