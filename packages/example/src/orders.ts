import { createHash } from 'node:crypto';

/** An article that the shop sells. */
export interface Product {
  sku: string;
  name: string;
  cents: number;
  taxPercent: number;
  grams: number;
}

export interface OrderLine {
  sku: string;
  quantity: number;
}

export interface Order {
  id: string;
  placedAt: string;
  region: string;
  customer: { name: string; email: string };
  shipTo: { street: string; city: string };
  lines: OrderLine[];
}

/** One page of the batch, as the shop's API returns it. */
export interface Page {
  seed: string;
  number: number;
  /** Size of the page as JSON. The last order may exceed it slightly. */
  bytes: number;
}

/**
 * Above Temporal's payload limit of 2 MB, and below gRPC's message limit of 4 MB, beyond which the server could not
 * report the payload limit.
 */
const PAGE_BYTES = 3_000_000;

const CITIES = {
  africa: ['Abidjan', 'Accra', 'Kigali', 'Nairobi'],
  asia: ['Busan', 'Đà Nẵng', 'Osaka', 'Pune'],
  europe: ['Gdańsk', 'Lyon', 'Malmö', 'Zürich'],
  'north-america': ['Denver', 'Mérida', 'Montréal', 'Seattle'],
  oceania: ['Apia', 'Hobart', 'Nadi', 'Whangārei'],
  'south-america': ['Bogotá', 'Lima', 'Rosario', 'São Paulo'],
};
const REGIONS = Object.keys(CITIES) as (keyof typeof CITIES)[];
const FIRST_NAMES = ['Amara', 'Bruno', 'Chiara', 'Dewi', 'Emeka', 'Freya', 'Goran', 'Hana', 'Inés', 'Jonas'];
const LAST_NAMES = ['Okafor', 'Silva', 'Rossi', 'Putri', 'Mensah', 'Larsen', 'Novak', 'Tanaka', 'García', 'Weber'];
const STREETS = ['Station Road', 'Harbour Street', 'Mill Lane', 'Garden Avenue', 'Market Square'];
const MATERIALS = ['Oak', 'Steel', 'Wool', 'Linen', 'Glass', 'Cork', 'Copper', 'Leather'];
const ARTICLES = ['Lamp', 'Chair', 'Blanket', 'Carafe', 'Shelf', 'Kettle', 'Rug', 'Clock', 'Basket', 'Mirror'];

const PRODUCT_COUNT = 5000;
const FIRST_ORDER_AT = Date.UTC(2026, 0, 1);

/** Creates the shop's products, about 400 KB as JSON. */
export function createCatalogue(seed: string): Product[] {
  const random = createRandom(`${seed}/catalogue`);
  return Array.from({ length: PRODUCT_COUNT }, (_, index) => ({
    sku: formatSku(index),
    name: `${random.pick(MATERIALS)} ${random.pick(ARTICLES)}`,
    cents: random.between(199, 49_999),
    taxPercent: random.pick([5, 10, 20]),
    grams: random.between(50, 20_000),
  }));
}

/** Creates the pages of a batch. All have the same size, except possibly the last. */
export function createPages(seed: string, megabytes: number): Page[] {
  const pages: Page[] = [];
  for (let left = megabytes * 1_000_000; left > 0; left -= PAGE_BYTES) {
    pages.push({ seed, number: pages.length, bytes: Math.min(left, PAGE_BYTES) });
  }
  return pages;
}

/** Creates the orders of one page. The same page always has the same orders. */
export function createOrders({ seed, number, bytes }: Page): Order[] {
  const random = createRandom(`${seed}/orders/${number}`);
  const orders: Order[] = [];
  for (let size = 0; size < bytes;) {
    const order = createOrder(random, number, orders.length);
    orders.push(order);
    size += Buffer.byteLength(JSON.stringify(order)) + 1;
  }
  return orders;
}

function createOrder(random: Random, page: number, index: number): Order {
  const region = random.pick(REGIONS);
  const [first, last] = [random.pick(FIRST_NAMES), random.pick(LAST_NAMES)];
  return {
    id: `order-${page}-${index}`,
    placedAt: new Date(FIRST_ORDER_AT + random.between(0, 86_399_999)).toISOString(),
    region,
    customer: { name: `${first} ${last}`, email: `${first}.${last}.${random.between(1, 9999)}@example.com` },
    shipTo: { street: `${random.pick(STREETS)} ${random.between(1, 300)}`, city: random.pick(CITIES[region]) },
    lines: Array.from({ length: random.between(1, 6) }, () => ({
      sku: formatSku(random.between(0, PRODUCT_COUNT - 1)),
      quantity: random.between(1, 5),
    })),
  };
}

function formatSku(index: number): string {
  return `SKU-${String(index).padStart(5, '0')}`;
}

interface Random {
  between(min: number, max: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

/** Creates a generator (Marsaglia's xorshift32) that returns the same numbers for the same seed on every machine. */
function createRandom(seed: string): Random {
  let state = createHash('sha256').update(seed).digest().readUInt32LE() || 1;
  const between = (min: number, max: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return min + ((state >>> 0) % (max - min + 1));
  };
  return { between, pick: (items) => items[between(0, items.length - 1)]! };
}
