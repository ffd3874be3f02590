import { costOf, type Costs } from './compare';
import { lineThrough } from './line';
import { MIB, nameOf, type Load } from './loads';
import { table } from './markdown';

/** Each point beside the straight line through all. */
export function growthOf(
  loads: Load[],
  measured: Record<string, Costs>,
  unit: string,
  unitsOf: (load: Load) => number,
): string[] {
  const columns = (['store', 'retrieve'] as const).map((operation) => {
    const points = loads.map((load) => {
      const cost = costOf(measured[nameOf(load)] ?? {}, operation);
      return { units: unitsOf(load), wallMs: cost.wallMs, memory: cost.memory / MIB };
    });
    const { fixed, perUnit } = lineThrough(points.map(({ units, wallMs }) => [units, wallMs]));
    return {
      line: `${operation} ${fixed.toFixed(2)} ms + ${perUnit.toFixed(3)} ms per ${unit}`,
      header: [`${operation}, ms`, `per ${unit}`, 'of the line', 'extra memory, MiB', `per ${unit}`],
      cells: points.map(({ units, wallMs, memory }) => [
        wallMs.toFixed(1),
        (wallMs / units).toFixed(3),
        (wallMs / (fixed + perUnit * units)).toFixed(2),
        memory.toFixed(1),
        (memory / units).toFixed(3),
      ]),
    };
  });
  return [
    `The lines: ${columns.map(({ line }) => line).join('; ')}.`,
    table(
      ['', ...columns.flatMap(({ header }) => header)],
      loads.map((load, at) => [nameOf(load), ...columns.flatMap(({ cells }) => cells[at] ?? [])]),
    ),
  ];
}
