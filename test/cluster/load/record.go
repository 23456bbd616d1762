package main

import (
	"slices"
	"strconv"
	"sync"
	"time"
)

const maxFailures = 50_000

// Answer is what became of one request; an empty Kind means success.
type Answer struct {
	At      time.Time
	Code    int
	Kind    string
	Version string
	Address string
	// In the words of the error, and how long it took.
	Detail string
	Took   time.Duration
}

// Tally counts the answers of one version.
type Tally struct {
	OK      int64 `json:"ok"`
	Failed  int64 `json:"failed"`
	FirstMs int64 `json:"firstMs"`
	LastMs  int64 `json:"lastMs"`
}

// Second counts the requests that started in one second.
type Second struct {
	TMs    int64 `json:"tMs"`
	OK     int64 `json:"ok"`
	Failed int64 `json:"failed"`
}

// Failure is one request that failed.
type Failure struct {
	AtMs    int64  `json:"atMs"`
	Kind    string `json:"kind"`
	Version string `json:"version"`
	Address string `json:"address"`
	Detail  string `json:"detail"`
	TookMs  int64  `json:"tookMs"`
}

// Stats is the answer of GET /stats.
type Stats struct {
	StartedAtMs int64            `json:"startedAtMs"`
	NowMs       int64            `json:"nowMs"`
	Running     bool             `json:"running"`
	Target      string           `json:"target"`
	Rate        float64          `json:"rate"`
	Sent        int64            `json:"sent"`
	OK          int64            `json:"ok"`
	Failed      int64            `json:"failed"`
	ByVersion   map[string]Tally `json:"byVersion"`
	ByCode      map[string]int64 `json:"byCode"`
	Seconds     []Second         `json:"seconds"`
	Failures    []Failure        `json:"failures"`
}

// Record gathers answers; every request is counted once it has ended, so sent = ok + failed.
type Record struct {
	mu       sync.Mutex
	started  time.Time
	total    Tally
	versions map[string]Tally
	codes    map[string]int64
	seconds  map[int64]Second
	failures []Failure
}

func newRecord() *Record {
	r := &Record{}
	r.reset()
	return r
}

func (r *Record) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.started = time.Now()
	r.total = Tally{}
	r.versions = map[string]Tally{}
	r.codes = map[string]int64{}
	r.seconds = map[int64]Second{}
	r.failures = []Failure{}
}

func (r *Record) add(answer Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if answer.At.Before(r.started) {
		return
	}
	ok := answer.Kind == ""
	r.total = counted(r.total, ok)
	if answer.Code != 0 {
		r.codes[strconv.Itoa(answer.Code)]++
		r.countVersion(answer.Version, ok)
	}
	key := answer.At.Unix()
	second := r.seconds[key]
	second.TMs = key * 1000
	if ok {
		second.OK++
	} else {
		second.Failed++
		r.fail(answer)
	}
	r.seconds[key] = second
}

func (r *Record) countVersion(version string, ok bool) {
	now := time.Now().UnixMilli()
	tally := counted(r.versions[version], ok)
	if tally.FirstMs == 0 {
		tally.FirstMs = now
	}
	tally.LastMs = now
	r.versions[version] = tally
}

// The newest failures are kept: the end of a rollout is what a test asks about.
func (r *Record) fail(answer Answer) {
	if len(r.failures) >= maxFailures {
		r.failures = slices.Delete(r.failures, 0, maxFailures/10)
	}
	r.failures = append(r.failures, Failure{
		AtMs: answer.At.UnixMilli(), Kind: answer.Kind, Version: answer.Version, Address: answer.Address,
		Detail: answer.Detail, TookMs: answer.Took.Milliseconds(),
	})
}

func (r *Record) stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	stats := Stats{
		StartedAtMs: r.started.UnixMilli(),
		NowMs:       time.Now().UnixMilli(),
		Sent:        r.total.OK + r.total.Failed,
		OK:          r.total.OK,
		Failed:      r.total.Failed,
		ByVersion:   map[string]Tally{},
		ByCode:      map[string]int64{},
		Seconds:     []Second{},
		Failures:    slices.Clone(r.failures),
	}
	for version, tally := range r.versions {
		stats.ByVersion[version] = tally
	}
	for code, count := range r.codes {
		stats.ByCode[code] = count
	}
	for _, second := range r.seconds {
		stats.Seconds = append(stats.Seconds, second)
	}
	slices.SortFunc(stats.Seconds, func(a, b Second) int { return int(a.TMs/1000 - b.TMs/1000) })
	return stats
}

func counted(tally Tally, ok bool) Tally {
	if ok {
		tally.OK++
	} else {
		tally.Failed++
	}
	return tally
}
