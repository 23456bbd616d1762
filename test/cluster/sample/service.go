package main

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"math"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

type service struct {
	behaviour Behaviour
	pod       string
	seed      uint64
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	received  atomic.Int64
	draining  atomic.Bool
}

func newService(behaviour Behaviour) (*service, http.Handler) {
	pod, err := os.Hostname()
	if err != nil {
		pod = "unknown"
	}
	hash := fnv.New64a()
	hash.Write([]byte(pod))
	s := &service{behaviour: behaviour, pod: pod, seed: hash.Sum64(), requests: prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests of / answered."},
		[]string{"code", "version"},
	), durations: prometheus.NewHistogramVec(
		prometheus.HistogramOpts{
			Name:    "http_server_request_duration_seconds",
			Help:    "Duration of HTTP server requests.",
			Buckets: []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},
		},
		[]string{"http_request_method", "http_response_status_code", "http_route"},
	)}
	registry := prometheus.NewRegistry()
	if behaviour.OpenTelemetry {
		registry.MustRegister(s.durations)
	} else {
		registry.MustRegister(s.requests)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.ordinary)
	mux.HandleFunc("GET /healthz", s.live)
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /env", s.env)
	mux.HandleFunc("GET /file", s.file)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	if behaviour.OpenTelemetry {
		return s, s.measured(mux)
	}
	return s, mux
}

type statusWriter struct {
	http.ResponseWriter
	code int
}

func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

func (s *service) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		recorded := &statusWriter{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(recorded, r)
		s.durations.WithLabelValues(r.Method, strconv.Itoa(recorded.code), r.URL.Path).Observe(time.Since(started).Seconds())
	})
}

func (s *service) ordinary(w http.ResponseWriter, _ *http.Request) {
	n := s.received.Add(1)
	time.Sleep(s.behaviour.Latency)
	code := http.StatusOK
	if s.failed(n) || chance(s.seed^uint64(n)) < s.behaviour.ErrorRate {
		code = http.StatusInternalServerError
	}
	s.requests.WithLabelValues(strconv.Itoa(code), s.behaviour.Version).Inc()
	s.answer(w, code)
}

func (s *service) live(w http.ResponseWriter, _ *http.Request) {
	if s.failed(s.received.Load() + 1) {
		s.answer(w, http.StatusInternalServerError)
		return
	}
	s.answer(w, http.StatusOK)
}

func (s *service) ready(w http.ResponseWriter, r *http.Request) {
	if s.behaviour.NeverReady || s.draining.Load() {
		s.answer(w, http.StatusServiceUnavailable)
		return
	}
	s.live(w, r)
}

func (s *service) env(w http.ResponseWriter, r *http.Request) {
	value, set := os.LookupEnv(r.URL.Query().Get("name"))
	if !set {
		s.answer(w, http.StatusNotFound)
		return
	}
	fmt.Fprint(w, value)
}

// file answers with what a mounted file holds, and with no other file of the pod.
func (s *service) file(w http.ResponseWriter, r *http.Request) {
	content, err := fs.ReadFile(os.DirFS("/etc/web"), r.URL.Query().Get("name"))
	if err != nil {
		s.answer(w, http.StatusNotFound)
		return
	}
	w.Write(content)
}

func (s *service) answer(w http.ResponseWriter, code int) {
	w.Header().Set("X-Version", s.behaviour.Version)
	// Behind a Service the client sees only the cluster address; this tells which pod answered.
	w.Header().Set("X-Pod", s.pod)
	w.WriteHeader(code)
	fmt.Fprintln(w, http.StatusText(code))
}

func (s *service) failed(n int64) bool {
	return s.behaviour.FailAfter >= 0 && n > s.behaviour.FailAfter
}

// chance maps a number to [0, 1) (splitmix64). Each pod has a seed of its own: pods that fail at the same requests would fail together.
func chance(n uint64) float64 {
	z := n * 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return float64((z^(z>>31))>>11) / math.Exp2(53)
}
