import { createCatalogue, createOrders, createPages, type Page } from '../src/orders';

const page: Page = { seed: 'a seed', number: 0, bytes: 20_000 };

function toJson(value: unknown): string {
  return JSON.stringify(value);
}

describe('the orders of a page', () => {
  it('are the same bytes for the same seed', () => {
    expect(toJson(createOrders(page))).toBe(toJson(createOrders({ ...page })));
  });

  it('are those that this seed has always given', () => {
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

  it('are others for another seed or another page', () => {
    expect(toJson(createOrders({ ...page, seed: 'another seed' }))).not.toBe(toJson(createOrders(page)));
    expect(toJson(createOrders({ ...page, number: 1 }))).not.toBe(toJson(createOrders(page)));
  });

  it('have ids that no other page has', () => {
    const ids = [0, 1, 2].flatMap((number) => createOrders({ ...page, number })).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('fill the page, and go beyond it by one order at most', () => {
    const size = Buffer.byteLength(toJson(createOrders(page)));
    expect(size).toBeGreaterThanOrEqual(page.bytes);
    expect(size).toBeLessThan(page.bytes + 1000);
  });

  it('come from every region and hold only products of the catalogue', () => {
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

describe('the catalogue', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(toJson(createCatalogue('a seed'))).toBe(toJson(createCatalogue('a seed')));
    expect(toJson(createCatalogue('another seed'))).not.toBe(toJson(createCatalogue('a seed')));
  });

  it("is over External Storage's threshold of 256 KiB and under Temporal's limit of 2 MB", () => {
    const size = Buffer.byteLength(toJson(createCatalogue('a seed')));
    expect(size).toBeGreaterThan(256 * 1024);
    expect(size).toBeLessThan(2 * 1024 * 1024);
  });
});

describe('the pages of a batch', () => {
  it("make up its size, each beyond Temporal's limit but perhaps the last", () => {
    const sizes = createPages('a seed', 10).map(({ bytes }) => bytes);
    expect(sizes).toEqual([3_000_000, 3_000_000, 3_000_000, 1_000_000]);
  });

  it('are numbered and know their seed', () => {
    expect(createPages('a seed', 4)).toMatchObject([
      { seed: 'a seed', number: 0 },
      { seed: 'a seed', number: 1 },
    ]);
  });
});
