// Command temporal-server runs a whole Temporal server in memory, on free ports of the loopback interface, with its Web
// UI on request. It prints its address and namespace as one line of JSON, with the URL of the Web UI if there is one, and
// ends when its standard input closes.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/testing/freeport"
	"go.temporal.io/server/temporal"
	"go.temporal.io/server/temporaltest"
)

const loopback = "127.0.0.1"

func main() {
	ui := flag.Bool("ui", false, "serve the Web UI")
	codecEndpoint := flag.String("ui-codec-endpoint", "", "URL of the codec server that the Web UI asks")
	flag.Parse()

	server := temporaltest.NewServer(temporaltest.WithBaseServerOptions(
		temporal.WithDynamicConfigClient(dynamicconfig.StaticClient{
			// This replaces the configuration of temporaltest, whose only entry is the first of these.
			dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
			dynamicconfig.MakeKey("activity.enableStandalone"):          true,
		}),
		temporal.WithClaimMapper(openHTTPPort),
	))
	description := map[string]string{
		"address":   server.GetFrontendHostPort(),
		"namespace": server.GetDefaultNamespace(),
	}
	if *ui {
		description["uiUrl"] = serveUI(server, *codecEndpoint)
	}
	if err := json.NewEncoder(os.Stdout).Encode(description); err != nil {
		log.Fatal(err)
	}
	// Whoever started this server holds the other end of the pipe, so it can't outlive them.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// serveUI serves the Web UI until this program ends, and returns its URL once it accepts connections.
func serveUI(server *temporaltest.TestServer, codecEndpoint string) string {
	port := freeport.MustGetFreePort()
	ui := uiserver.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		TemporalGRPCAddress: server.GetFrontendHostPort(),
		DefaultNamespace:    server.GetDefaultNamespace(),
		Host:                loopback,
		Port:                port,
		EnableUI:            true,
		DisableNewsFetch:    true,
		HideLogs:            true,
		CORS:                uiconfig.CORS{CookieInsecure: true},
		Codec:               uiconfig.Codec{Endpoint: codecEndpoint},
	}))
	go func() { log.Fatal(ui.Start()) }()
	address := net.JoinHostPort(loopback, fmt.Sprint(port))
	for {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			_ = connection.Close()
			return "http://" + address
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// openHTTPPort maps no claims. It is here because this option is the one that is shown the configuration before the
// server starts, and temporaltest leaves the frontend's HTTP port closed, over which Nexus operations travel.
func openHTTPPort(cfg *config.Config) authorization.ClaimMapper {
	frontend := cfg.Services["frontend"]
	frontend.RPC.HTTPPort = freeport.MustGetFreePort()
	cfg.Services["frontend"] = frontend
	return authorization.NewNoopClaimMapper()
}
