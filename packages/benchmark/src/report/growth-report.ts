import { getCost, type Costs } from '../measure/compare';
import { fitLine } from '../measure/linear-fit';
import { MIB, formatLoad, type Load } from '../measure/loads';
import { formatTable } from './markdown';

/** Formats each measurement next to its ratio to the fitted line. */
export function formatGrowth(
  loads: Load[],
  measured: Record<string, Costs>,
  unit: string,
  countUnits: (load: Load) => number,
): string[] {
  const columns = (['store', 'retrieve'] as const).map((operation) => {
    const points = loads.map((load) => {
      const cost = getCost(measured[formatLoad(load)] ?? {}, operation);
      return { units: countUnits(load), wallMs: cost.wallMs, memory: cost.memory / MIB };
    });
    const { fixed, perUnit } = fitLine(points.map(({ units, wallMs }) => [units, wallMs]));
    return {
      formula: `${operation} ${fixed.toFixed(2)} ms + ${perUnit.toFixed(3)} ms per ${unit}`,
      header: [`${operation}, ms`, `per ${unit}`, 'relative to the fit', 'extra memory, MiB', `per ${unit}`],
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
    `Fitted lines: ${columns.map(({ formula }) => formula).join('; ')}.`,
    formatTable(
      ['', ...columns.flatMap(({ header }) => header)],
      loads.map((load, at) => [formatLoad(load), ...columns.flatMap(({ cells }) => cells[at] ?? [])]),
    ),
  ];
}
