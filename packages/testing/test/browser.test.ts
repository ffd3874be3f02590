import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { requireBrowser } from '../src';

describe('requireBrowser', () => {
  const environment = { ...process.env };
  afterEach(() => {
    process.env = { ...environment };
  });

  it('finds a browser that runs', async () => {
    const { stdout } = await promisify(execFile)(requireBrowser(), ['--version']);
    expect(stdout).toMatch(/Chrom/);
  });

  it('prefers the browser at CHROME_PATH', () => {
    process.env.CHROME_PATH = process.execPath;
    expect(requireBrowser()).toBe(process.execPath);
  });

  it('refuses a CHROME_PATH that is no executable file', () => {
    process.env.CHROME_PATH = '/nonexistent/chrome';
    expect(requireBrowser).toThrow("CHROME_PATH is '/nonexistent/chrome'");
  });

  it('fails without a browser, and says what to do', () => {
    delete process.env.CHROME_PATH;
    const access = jest.spyOn(fs, 'accessSync').mockImplementation(() => {
      throw new Error('ENOENT');
    });
    expect(requireBrowser).toThrow('Install Chromium or Chrome, or set CHROME_PATH');
    access.mockRestore();
  });
});
