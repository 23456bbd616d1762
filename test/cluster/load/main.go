// Package main sends requests at a steady rate and tells what became of them.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	rate, err := numberFrom(os.Getenv("RATE"), 100)
	if err != nil {
		log.Fatalf("RATE: %v", err)
	}
	bound, err := numberFrom(os.Getenv("DURATION_MAX_S"), 1200)
	if err != nil {
		log.Fatalf("DURATION_MAX_S: %v", err)
	}
	generator := newGenerator(os.Getenv("TARGET"), rate, time.Duration(bound*float64(time.Second)))
	go generator.run()
	http.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	http.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { answerStats(w, generator) })
	http.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) {
		generator.record.reset()
		answerStats(w, generator)
	})
	http.HandleFunc("POST /target", func(w http.ResponseWriter, r *http.Request) { answerTarget(w, r, generator) })
	log.Fatal(http.ListenAndServe(":8080", nil))
}

func answerTarget(w http.ResponseWriter, r *http.Request, generator *Generator) {
	target, rate, _ := generator.aimed()
	if url := r.FormValue("url"); url != "" {
		target = url
	}
	rate, err := numberFrom(r.FormValue("rate"), rate)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	generator.aim(target, rate)
	answerStats(w, generator)
}

func answerStats(w http.ResponseWriter, generator *Generator) {
	stats := generator.record.stats()
	stats.Target, stats.Rate, stats.Running = generator.aimed()
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(stats); err != nil {
		log.Printf("stats: %v", err)
	}
}

func numberFrom(text string, fallback float64) (float64, error) {
	if text == "" {
		return fallback, nil
	}
	return strconv.ParseFloat(text, 64)
}
