import type { Costs } from '../measure/compare';

const COLOURS: Record<string, string> = {
  'raw socket': '#dadce0',
  raw: '#9aa0a6',
  driver: '#1a73e8',
  'node-redis': '#1a73e8',
  ioredis: '#12b5cb',
  Upstash: '#1e8e3e',
  'S3 driver': '#e8710a',
  'no storage': '#9aa0a6',
};
const [BAR, GAP, LEFT, WIDTH] = [14, 14, 120, 720];

/** Draws the longest stall of each load and variant as an SVG bar chart. Variants without a colour are left out. */
export function drawChart(title: string, measured: Record<string, Costs>): string {
  const rows = Object.entries(measured);
  const variants = Object.keys(COLOURS).filter((name) => rows.some(([, costs]) => name in costs));
  const longest = Math.max(...rows.flatMap(([, costs]) => variants.map((name) => costs[name]?.stallMs ?? 0)));
  const scale = (WIDTH - LEFT - 70) / longest;
  const parts: string[] = [drawText(10, 22, title, 15)];
  variants.forEach((name, at) => {
    parts.push(drawBar(LEFT + at * 110, 34, 12, COLOURS[name]), drawText(LEFT + 18 + at * 110, 45, name));
  });
  let y = 62;
  for (const [load, costs] of rows) {
    parts.push(drawText(10, y + BAR * 2, load));
    for (const name of variants) {
      const cost = costs[name];
      if (cost === undefined) continue;
      parts.push(drawBar(LEFT, y, cost.stallMs * scale, COLOURS[name]));
      parts.push(drawText(LEFT + cost.stallMs * scale + 6, y + BAR - 3, `${cost.stallMs.toFixed(0)} ms`));
      y += BAR;
    }
    y += GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function drawBar(x: number, y: number, width: number, colour = '#000'): string {
  return `<rect x="${x}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 2}" fill="${colour}"/>`;
}

function drawText(x: number, y: number, content: string, size = 12): string {
  return `<text x="${x.toFixed(0)}" y="${y}" font-size="${size}">${content}</text>`;
}
