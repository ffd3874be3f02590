// Runs the Temporal CLI's development server through the SDK: the CLI at the path in the first argument, or one that the
// SDK downloads if that is empty. The Web UI listens at the port in the second argument, if there is one, with the codec
// server whose URL is the third. The program prints its address and namespace as one line of JSON, and ends when its standard input closes.
const { TestWorkflowEnvironment } = require('@temporalio/testing');

async function main() {
  const namespace = 'default';
  const [path, uiPort, codecEndpoint] = process.argv.slice(2);
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      namespace,
      ...(uiPort && { ui: true, uiPort: Number(uiPort) }),
      extraArgs: [
        '--dynamic-config-value',
        'activity.enableStandalone=true',
        ...(codecEndpoint ? ['--ui-codec-endpoint', codecEndpoint] : []),
      ],
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
