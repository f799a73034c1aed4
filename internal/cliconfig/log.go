package cliconfig

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Logging is how a program logs. Every command takes it.
type Logging struct {
	// LogFormat is text or json; "" is text.
	LogFormat string `enum:"text,json" placeholder:"FORMAT" default:"text" help:"Format of log lines: text or json (default ${default})."`
	// LogLevel is debug, info, warn or error; "" is info. Requests are logged at
	// info, those for health and metrics at debug.
	LogLevel string `enum:"debug,info,warn,error" placeholder:"LEVEL" default:"info" help:"Least level that is logged: debug, info, warn or error (default ${default})."`
}

// Logger makes a logger that writes lines to w.
func (l Logging) Logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if l.LogLevel != "" {
		if err := level.UnmarshalText([]byte(l.LogLevel)); err != nil {
			return nil, fmt.Errorf("log-level: %w", err)
		}
	}
	o := &slog.HandlerOptions{Level: level}
	switch strings.ToLower(l.LogFormat) {
	case "", "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	default:
		return nil, fmt.Errorf("log-format: %q is neither text nor json", l.LogFormat)
	}
}
