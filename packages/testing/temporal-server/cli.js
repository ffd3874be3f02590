// Runs the Temporal CLI's development server through the SDK: the CLI at the given path, or else one that the SDK
// downloads. It prints its address and namespace as one line of JSON, and ends when its standard input closes.
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
  // Whoever started this server holds the other end of the pipe, so it can't outlive them.
  process.stdin.resume().on('end', () => void environment.teardown());
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
