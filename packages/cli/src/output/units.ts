const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const DURATION_UNITS: [name: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** `1536` as `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** Milliseconds in their largest unit that fits, rounded to one decimal: `90000` as `1.5 min`. */
export function formatDuration(ms: number): string {
  for (const [name, size] of DURATION_UNITS) {
    if (ms >= size) return `${Number((ms / size).toFixed(1))} ${name}`;
  }
  return `${Math.round(ms)} ms`;
}
