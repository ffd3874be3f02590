/** A straight line. */
export interface LinearFit {
  /** Where x is 0. */
  fixed: number;
  perUnit: number;
}

/**
 * The line with the least squares of the deviations, each as a part of its y, which must be above 0: so that small points
 * count as much as large ones.
 */
export function fitLine(points: [x: number, y: number][]): LinearFit {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const weight = 1 / (y * y);
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  }
  const perUnit = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  return { fixed: (wy - perUnit * wx) / w, perUnit };
}
