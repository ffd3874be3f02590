import { installPackage } from './apt-get';
import { readExecutablePath, findOnPath, isExecutable } from './executable';
import { tryInOrder } from './try-in-order';

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MAC_PATHS = ['Google Chrome', 'Chromium'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);
const ADVICE = 'Install Chromium or Chrome, or set CHROME_PATH to one.';

/** The browser at CHROME_PATH, or a Chromium or Chrome that is installed. Throws if there is none. */
export function requireBrowser(): string {
  const path = findBrowser();
  if (path === undefined) {
    throw new Error(`Found no browser. ${ADVICE} \`node packages/testing/lib/servers/prepare.js\` tries to get one.`);
  }
  return path;
}

/** Makes sure that there is a browser, installing Chromium if need be. Resolves to its path. */
export async function prepareBrowserExecutable(): Promise<string> {
  return findBrowser() ?? tryInOrder([['apt-get', install]], 'Found no browser, and could not get one.', ADVICE);
}

function findBrowser(): string | undefined {
  const paths = [...COMMANDS.map(findOnPath), ...MAC_PATHS];
  return readExecutablePath('CHROME_PATH') ?? paths.find((path) => path !== undefined && isExecutable(path));
}

async function install(): Promise<string> {
  await installPackage('chromium', 'Installing Chromium with apt-get');
  return requireBrowser();
}
