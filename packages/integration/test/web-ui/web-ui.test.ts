import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPayloadHandler, type PayloadHandlerOptions } from '@temporal-redis-storage/codec-server';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import type { Page } from 'playwright-core';
import { useServers, type FinishedWorkflow } from './servers';

const PayloadProto = temporal.api.common.v1.Payload;
const servers = useServers();

/** Set to update the picture of the documents. */
const PICTURE = process.env.SAVE_PICTURES ? join(__dirname, '../../../../docs/web-ui.png') : undefined;

/** Settings that the Web UI keeps in the browser. */
type BrowserSettings = Record<string, unknown>;

interface VisitOptions {
  settings?: BrowserSettings;
  /** Who uses the Web UI, where its server has people sign in. */
  user?: { accessToken: string; idToken: string };
  /** Where the Web UI is, if not at the usual address. */
  uiUrl?: string;
}

/** Opens a workflow's page in a fresh browser profile, and closes it after `look`. */
async function visit(
  { workflowId, runId }: FinishedWorkflow,
  look: (page: Page) => Promise<void>,
  { settings = {}, user, uiUrl = servers.uiUrl }: VisitOptions = {},
): Promise<void> {
  const context = await servers.browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 1000 },
    storageState: {
      cookies: [],
      origins: [
        {
          origin: uiUrl,
          localStorage: Object.entries({ ...settings, AuthUser: user ?? {} }).map(([name, value]) => ({
            name,
            value: JSON.stringify(value),
          })),
        },
      ],
    },
  });
  try {
    const page = await context.newPage();
    if (user !== undefined) await pretendSignIn(page);
    await page.goto(`${uiUrl}/namespaces/${servers.namespace}/workflows/${workflowId}/${runId}/history`);
    await look(page);
  } finally {
    await context.close();
  }
}

/** The Web UI forgets its user where nobody needs to sign in, as on our server. */
async function pretendSignIn(page: Page): Promise<void> {
  await page.route('**/api/v1/settings*', async (route) => {
    const response = await route.fetch();
    const settings = (await response.json()) as { Auth: object };
    await route.fulfill({ response, json: { ...settings, Auth: { ...settings.Auth, Enabled: true } } });
  });
}

function createHandler({ dataConverter }: FinishedWorkflow, options: Partial<PayloadHandlerOptions> = {}) {
  return createPayloadHandler({ dataConverter, allowedOrigins: [servers.uiUrl], ...options });
}

/** Clicks on a button with a size, the first of which is the input's, and returns what is downloaded. */
async function download(page: Page, index: number): Promise<{ fileName: string; content: unknown }> {
  const downloading = page.waitForEvent('download');
  await sizeButtons(page).nth(index).click();
  const file = await downloading;
  return {
    fileName: file.suggestedFilename(),
    content: JSON.parse(await readFile(await file.path(), 'utf8')) as unknown,
  };
}

function sizeButtons(page: Page) {
  return page.getByRole('button', { name: /^[\d.]+ KB$/ });
}

/** Encrypts nothing, but hides everything, as encrypting codecs do. */
class HidingCodec implements PayloadCodec {
  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => ({
      metadata: { encoding: Buffer.from('binary/hidden') },
      data: PayloadProto.encode(payload)
        .finish()
        .map((byte) => byte ^ 0x55),
    }));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) =>
      Buffer.from(payload.metadata?.['encoding'] ?? []).toString() === 'binary/hidden'
        ? PayloadProto.decode(payload.data!.map((byte) => byte ^ 0x55))
        : payload,
    );
  }
}

const LARGE = randomBytes(200_000).toString('hex');

describe("Temporal's Web UI with the codec server", () => {
  it('shows references with their sizes, and downloads an input and a result whole', async () => {
    const workflow = await servers.runWorkflow(LARGE);
    servers.serve(createHandler(workflow));
    await visit(workflow, async (page) => {
      await sizeButtons(page).nth(1).waitFor();
      expect(await sizeButtons(page).allInnerTexts()).toEqual(['390.66 KB', '390.68 KB']);
      expect(await page.getByText('temporalio:payloads:v0').count()).toBeGreaterThan(0);
      if (PICTURE !== undefined) await page.screenshot({ path: PICTURE });
      const base = `payload-wf-${workflow.workflowId}-run-${workflow.runId}`;
      expect(await download(page, 0)).toEqual({ fileName: `${base}-input.json`, content: { note: LARGE } });
      expect(await download(page, 1)).toEqual({
        fileName: `${base}-result.json`,
        content: { shipped: LARGE, by: 'shipOrder' },
      });
    });
  });

  it('shows a lost payload as unable to download, and not as not configured', async () => {
    const workflow = await servers.runWorkflow(LARGE);
    const keys = await servers.redis.keys(`*:wi:${workflow.workflowId}:*`);
    await servers.redis.del(keys);
    servers.serve(createHandler(workflow));
    await visit(workflow, async (page) => {
      await sizeButtons(page).first().click();
      await page.getByText('Unable to download payload file.').waitFor();
      expect(await page.getByText("isn't configured").count()).toBe(0);
    });
  });

  it('shows payloads of a codec decoded, and downloads those in Redis decoded', async () => {
    const codec = new HidingCodec();
    const small = await servers.runWorkflow('a small note', [codec]);
    servers.serve(createHandler(small));
    await visit(small, async (page) => {
      await page.getByText('a small note').first().waitFor();
      expect(await sizeButtons(page).count()).toBe(0);
    });
    const large = await servers.runWorkflow(LARGE, [codec]);
    servers.serve(createHandler(large));
    await visit(large, async (page) => {
      expect((await download(page, 0)).content).toEqual({ note: LARGE });
    });
  });

  it('shows nothing on a page of another origin', async () => {
    const workflow = await servers.runWorkflow('a small note', [new HidingCodec()]);
    const handler = createHandler(workflow);
    const statuses = new Set<number>();
    servers.serve(async (request) => {
      const response = await handler(request);
      statuses.add(response.status);
      return response;
    });
    const uiUrl = servers.uiUrl.replace('127.0.0.1', 'localhost');
    await visit(
      workflow,
      async (page) => {
        await page.locator('#content').getByText('Codec Server could not connect').waitFor();
        expect(await page.getByText('a small note').count()).toBe(0);
      },
      { uiUrl },
    );
    expect([...statuses]).toEqual([403]);
  });

  it("passes the user's token on to the codec server over HTTPS, and shows nothing with a token that is refused", async () => {
    const workflow = await servers.runWorkflow('a small note', [new HidingCodec()]);
    const authorize = (request: Request): boolean =>
      request.headers.get('authorization') === 'Bearer access-token' &&
      request.headers.get('authorization-extras') === 'id-token' &&
      request.headers.get('x-namespace') === servers.namespace;
    const endpoint = await servers.serveHttps(createHandler(workflow, { authorize }));
    const settings = { endpoint, passAccessToken: true, overrideRemoteCodecConfiguration: true };

    const user = { accessToken: 'access-token', idToken: 'id-token' };
    await visit(
      workflow,
      async (page) => {
        await page.getByText('a small note').first().waitFor();
        expect(await page.getByText('Codec Server could not connect').count()).toBe(0);
      },
      { settings, user },
    );
    await visit(
      workflow,
      async (page) => {
        await page.locator('#content').getByText('Codec Server could not connect').waitFor();
        expect(await page.getByText('a small note').count()).toBe(0);
      },
      { settings, user: { ...user, accessToken: 'other-token' } },
    );
  });
});
