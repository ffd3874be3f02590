import { createCatalogue, createOrders, createPages, type Page } from '../src/orders';

const page: Page = { seed: 'a seed', number: 0, bytes: 20_000 };

function toJson(value: unknown): string {
  return JSON.stringify(value);
}

describe('createOrders', () => {
  it('returns the same bytes for the same page', () => {
    expect(toJson(createOrders(page))).toBe(toJson(createOrders({ ...page })));
  });

  it('returns the recorded first order for a fixed seed', () => {
    expect(createOrders(page)[0]).toMatchInlineSnapshot(`
      {
        "customer": {
          "email": "Goran.Silva.2606@example.com",
          "name": "Goran Silva",
        },
        "id": "order-0-0",
        "lines": [
          {
            "quantity": 2,
            "sku": "SKU-04366",
          },
          {
            "quantity": 4,
            "sku": "SKU-02721",
          },
          {
            "quantity": 1,
            "sku": "SKU-02677",
          },
        ],
        "placedAt": "2026-01-01T08:48:08.052Z",
        "region": "asia",
        "shipTo": {
          "city": "Osaka",
          "street": "Mill Lane 217",
        },
      }
    `);
  });

  it('returns other orders for another seed or another page number', () => {
    expect(toJson(createOrders({ ...page, seed: 'another seed' }))).not.toBe(toJson(createOrders(page)));
    expect(toJson(createOrders({ ...page, number: 1 }))).not.toBe(toJson(createOrders(page)));
  });

  it('returns ids that are unique across pages', () => {
    const ids = [0, 1, 2].flatMap((number) => createOrders({ ...page, number })).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('fills the page and exceeds its size by at most one order', () => {
    const size = Buffer.byteLength(toJson(createOrders(page)));
    expect(size).toBeGreaterThanOrEqual(page.bytes);
    expect(size).toBeLessThan(page.bytes + 1000);
  });

  it('returns orders from every region, with products of the catalogue only', () => {
    const orders = createOrders(page);
    const skus = new Set(createCatalogue('a seed').map(({ sku }) => sku));
    expect([...new Set(orders.map(({ region }) => region))].toSorted()).toEqual([
      'africa',
      'asia',
      'europe',
      'north-america',
      'oceania',
      'south-america',
    ]);
    expect(orders.flatMap(({ lines }) => lines).every(({ sku }) => skus.has(sku))).toBe(true);
  });
});

describe('createCatalogue', () => {
  it('returns the same products for the same seed, and others for another seed', () => {
    expect(toJson(createCatalogue('a seed'))).toBe(toJson(createCatalogue('a seed')));
    expect(toJson(createCatalogue('another seed'))).not.toBe(toJson(createCatalogue('a seed')));
  });

  it("returns more than External Storage's threshold of 256 KiB and less than Temporal's limit of 2 MB", () => {
    const size = Buffer.byteLength(toJson(createCatalogue('a seed')));
    expect(size).toBeGreaterThan(256 * 1024);
    expect(size).toBeLessThan(2 * 1024 * 1024);
  });
});

describe('createPages', () => {
  it("splits a batch into pages above Temporal's limit, except possibly the last", () => {
    const sizes = createPages('a seed', 10).map(({ bytes }) => bytes);
    expect(sizes).toEqual([3_000_000, 3_000_000, 3_000_000, 1_000_000]);
  });

  it('numbers the pages and passes the seed on to them', () => {
    expect(createPages('a seed', 4)).toMatchObject([
      { seed: 'a seed', number: 0 },
      { seed: 'a seed', number: 1 },
    ]);
  });
});
