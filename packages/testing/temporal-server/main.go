// Command temporal-server runs a whole Temporal server in memory, on free ports of the loopback interface. It prints
// its address and namespace as one line of JSON, and ends when its standard input closes.
package main

import (
	"encoding/json"
	"io"
	"log"
	"os"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/testing/freeport"
	"go.temporal.io/server/temporal"
	"go.temporal.io/server/temporaltest"
)

func main() {
	server := temporaltest.NewServer(temporaltest.WithBaseServerOptions(
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			// This replaces the configuration of temporaltest, whose only entry is the first of these.
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
			dynamicconfig.MakeKey("activity.enableStandalone"):          true,
		}),
		temporal.WithClaimMapper(openHTTPPort),
	))
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{
		"address":   server.GetFrontendHostPort(),
		"namespace": server.GetDefaultNamespace(),
	}); err != nil {
		log.Fatal(err)
	}
	// Whoever started this server holds the other end of the pipe, so it can't outlive them.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// openHTTPPort maps no claims. It is here because this option is the one that is shown the configuration before the
// server starts, and temporaltest leaves the frontend's HTTP port closed, over which Nexus operations travel.
func openHTTPPort(cfg *config.Config) authorization.ClaimMapper {
	frontend := cfg.Services["frontend"]
	frontend.RPC.HTTPPort = freeport.MustGetFreePort()
	cfg.Services["frontend"] = frontend
	return authorization.NewNoopClaimMapper()
}
