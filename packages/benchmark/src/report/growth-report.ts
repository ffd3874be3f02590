import { toCost, type Costs } from '../measure/compare';
import { fitLine } from '../measure/linear-fit';
import { MIB, formatLoad, type Load } from '../measure/loads';
import { formatTable } from './markdown';

/** Each point beside the straight line through all. */
export function formatGrowth(
  loads: Load[],
  measured: Record<string, Costs>,
  unit: string,
  unitsOf: (load: Load) => number,
): string[] {
  const columns = (['store', 'retrieve'] as const).map((operation) => {
    const points = loads.map((load) => {
      const cost = toCost(measured[formatLoad(load)] ?? {}, operation);
      return { units: unitsOf(load), wallMs: cost.wallMs, memory: cost.memory / MIB };
    });
    const { fixed, perUnit } = fitLine(points.map(({ units, wallMs }) => [units, wallMs]));
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
    formatTable(
      ['', ...columns.flatMap(({ header }) => header)],
      loads.map((load, at) => [formatLoad(load), ...columns.flatMap(({ cells }) => cells[at] ?? [])]),
    ),
  ];
}
