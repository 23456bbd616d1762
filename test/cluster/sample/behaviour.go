package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Behaviour is what an image (or a pod's own env, which wins) makes of the service.
type Behaviour struct {
	Version      string
	Port         int
	ErrorRate    float64
	FailAfter    int64
	Latency      time.Duration
	CrashAtStart bool
	NeverReady   bool
	ExitAtOnce   bool
	// OpenTelemetry makes the metrics bear OpenTelemetry's names, and counts probes and scrapes as its middleware does.
	OpenTelemetry bool
}

func behaviourFromEnv() (Behaviour, error) {
	port, err := number("PORT", 8080)
	if err != nil {
		return Behaviour{}, err
	}
	errorRate, err := number("ERROR_RATE", 0)
	if err != nil {
		return Behaviour{}, err
	}
	failAfter, err := number("FAIL_AFTER", -1)
	if err != nil {
		return Behaviour{}, err
	}
	latency, err := number("LATENCY_MS", 0)
	if err != nil {
		return Behaviour{}, err
	}
	return Behaviour{
		Version:       os.Getenv("VERSION"),
		Port:          int(port),
		ErrorRate:     errorRate,
		FailAfter:     int64(failAfter),
		Latency:       time.Duration(latency * float64(time.Millisecond)),
		CrashAtStart:  os.Getenv("CRASH_AT_START") == "1",
		NeverReady:    os.Getenv("NEVER_READY") == "1",
		ExitAtOnce:    os.Getenv("EXIT_AT_ONCE") == "1",
		OpenTelemetry: os.Getenv("METRIC_NAMES") == "opentelemetry",
	}, nil
}

func number(name string, fallback float64) (float64, error) {
	text := os.Getenv(name)
	if text == "" {
		return fallback, nil
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s=%q is not a number", name, text)
	}
	return value, nil
}
