// Runs a development server of the Temporal CLI through the SDK. Uses the CLI at the given path, or a CLI that the SDK
// downloads. Prints the address and the namespace as one line of JSON, and ends when its standard input closes.
const { TestWorkflowEnvironment } = require('@temporalio/testing');

async function main() {
  const namespace = 'default';
  const path = process.argv[2];
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      namespace,
      extraArgs: ['--dynamic-config-value', 'activity.enableStandalone=true'],
      ...(path && { executable: { type: 'existing-path', path } }),
    },
  });
  console.log(JSON.stringify({ address: environment.address, namespace }));
  // The parent process has the other end of this pipe, so the server ends when the parent ends.
  process.stdin.resume().on('end', () => void environment.teardown());
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
