import { createOrders, type Order, type OrderLine, type Page, type Product } from './orders';

export interface EnrichedOrder extends Omit<Order, 'lines'> {
  lines: (OrderLine & { cents: number })[];
  netCents: number;
  taxCents: number;
  grams: number;
}

export interface RegionSummary {
  region: string;
  orders: number;
  items: number;
  netCents: number;
  taxCents: number;
  grams: number;
}

/** Simulates a call to the shop's API. */
export async function fetchOrders(page: Page): Promise<Order[]> {
  return createOrders(page);
}

/** Adds prices, taxes and weights from the catalogue. */
export async function enrichOrders(orders: Order[], catalogue: Product[]): Promise<EnrichedOrder[]> {
  const products = new Map(catalogue.map((product) => [product.sku, product]));
  return orders.map((order) => {
    const enriched: EnrichedOrder = { ...order, lines: [], netCents: 0, taxCents: 0, grams: 0 };
    for (const { sku, quantity } of order.lines) {
      const product = products.get(sku);
      if (product === undefined) throw new Error(`${order.id} has an unknown product: ${sku}`);
      const cents = quantity * product.cents;
      enriched.lines.push({ sku, quantity, cents });
      enriched.netCents += cents;
      enriched.taxCents += Math.round((cents * product.taxPercent) / 100);
      enriched.grams += quantity * product.grams;
    }
    return enriched;
  });
}

/** Adds up the orders of one region. */
export async function summariseOrders(region: string, orders: EnrichedOrder[]): Promise<RegionSummary> {
  const summary: RegionSummary = { region, orders: 0, items: 0, netCents: 0, taxCents: 0, grams: 0 };
  for (const order of orders) {
    summary.orders += 1;
    summary.items += order.lines.reduce((items, { quantity }) => items + quantity, 0);
    summary.netCents += order.netCents;
    summary.taxCents += order.taxCents;
    summary.grams += order.grams;
  }
  return summary;
}
