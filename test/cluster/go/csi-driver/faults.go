package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// fault is one switch. Call is a CSI method, MatchName a part of the request's text (names and identifiers).
// FailTimes counts down; without it the call fails until the fault is cleared.
type fault struct {
	Call      string `json:"call"`
	MatchName string `json:"matchName,omitempty"`
	DelayMs   int    `json:"delayMs,omitempty"`
	FailCode  string `json:"failCode,omitempty"`
	FailTimes *int   `json:"failTimes,omitempty"`
	// Phase "after" does the work first and then fails: the answer that was lost.
	Phase string `json:"phase,omitempty"`
}

type faults struct {
	mu     sync.Mutex
	active []*fault
	calls  map[string]int
}

func newFaults() *faults { return &faults{calls: map[string]int{}} }

func (f *faults) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	call := path.Base(info.FullMethod)
	hit := f.find(call, fmt.Sprint(request))
	if hit.DelayMs > 0 {
		select {
		case <-time.After(time.Duration(hit.DelayMs) * time.Millisecond):
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		}
	}
	if hit.FailCode != "" && hit.Phase != "after" {
		return nil, hit.err()
	}
	response, err := handler(ctx, request)
	if err == nil && hit.FailCode != "" {
		return nil, hit.err()
	}
	return response, err
}

// find counts the call and gives what applies to it.
func (f *faults) find(call, text string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[call]++
	for _, candidate := range f.active {
		if candidate.Call != call || !strings.Contains(text, candidate.MatchName) {
			continue
		}
		hit := *candidate
		if candidate.FailCode != "" && candidate.FailTimes != nil {
			if *candidate.FailTimes <= 0 {
				continue
			}
			*candidate.FailTimes--
		}
		return hit
	}
	return fault{}
}

func (f fault) err() error {
	var code codes.Code
	if err := code.UnmarshalJSON([]byte(`"` + f.FailCode + `"`)); err != nil {
		code = codes.Internal
	}
	return status.Errorf(code, "fault switched on for %s", f.Call)
}

// controlHandler documents itself: each route is one line.
func (d *driver) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /volumes", func(w http.ResponseWriter, _ *http.Request) { reply(w, d.listVolumes()) })
	mux.HandleFunc("GET /snapshots", func(w http.ResponseWriter, _ *http.Request) { reply(w, d.listSnapshots()) })
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, d.faults.list()) })
	mux.HandleFunc("POST /faults", d.addFault)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, r *http.Request) {
		d.faults.clear(r.URL.Query()["matchName"])
		reply(w, d.faults.list())
	})
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) { reply(w, d.faults.counts()) })
	mux.HandleFunc("PUT /pools/{name}", d.limitPool)
	return mux
}

func (d *driver) addFault(w http.ResponseWriter, r *http.Request) {
	added := &fault{}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(added); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var code codes.Code
	if added.FailCode != "" && code.UnmarshalJSON([]byte(`"`+added.FailCode+`"`)) != nil {
		http.Error(w, "failCode is a gRPC code such as RESOURCE_EXHAUSTED", http.StatusBadRequest)
		return
	}
	d.faults.mu.Lock()
	d.faults.active = append(d.faults.active, added)
	d.faults.mu.Unlock()
	reply(w, d.faults.list())
}

// limitPool says how many bytes the volumes of a pool may request together.
func (d *driver) limitPool(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Bytes int64 `json:"bytes"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	d.pools[r.PathValue("name")] = body.Bytes
	d.mu.Unlock()
	reply(w, body)
}

func (f *faults) list() []fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]fault, len(f.active))
	for i, active := range f.active {
		list[i] = *active
	}
	return list
}

// clear takes away the faults of these match names; without any, all.
func (f *faults) clear(matchNames []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = slices.DeleteFunc(f.active, func(active *fault) bool {
		return len(matchNames) == 0 || slices.Contains(matchNames, active.MatchName)
	})
}

func (f *faults) counts() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := map[string]int{}
	for call, n := range f.calls {
		counts[call] = n
	}
	return counts
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}
