import { findImportedPackages, findInstallLine, findPrograms, READMES } from './readmes';

describe.each(READMES)('the install line of %s', (path) => {
  it('names every package that the programs below it import', () => {
    const programs = findPrograms(path);
    const named = findInstallLine(path).split(' ');

    expect(programs.flatMap(findImportedPackages).filter((name) => !named.includes(name))).toEqual([]);
    expect(programs.length).toBeGreaterThan(0);
  });
});
