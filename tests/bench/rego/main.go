// Command rego evaluates the policies of this directory with OPA and tells how long each took.
//
// Called by tests/bench/opa.py. It reads one JSON object a line from the standard input,
// parses it, and then evaluates every policy on it, each prepared once and timed alone. The
// answer is one JSON object: per policy the nanoseconds and the messages by object.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// longestLine holds a deployment with two large images many times over.
const longestLine = 64 << 20

type policy struct {
	name  string
	query rego.PreparedEvalQuery
}

type figures struct {
	Nanoseconds []int64    `json:"nanoseconds"`
	Messages    [][]string `json:"messages"`
}

func main() {
	// One core for both engines, the collector of garbage included.
	runtime.GOMAXPROCS(1)
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, directory string) error {
	policies, err := prepare(ctx, directory)
	if err != nil {
		return err
	}
	answer := map[string]*figures{}
	for _, one := range policies {
		answer[one.name] = &figures{}
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 1<<20), longestLine)
	for lines.Scan() {
		input, err := parsed(lines.Bytes())
		if err != nil {
			return err
		}
		for _, one := range policies {
			if err := judge(ctx, one, input, answer[one.name]); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

func prepare(ctx context.Context, directory string) ([]policy, error) {
	files, err := filepath.Glob(filepath.Join(directory, "*.rego"))
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var policies []policy
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(filepath.Base(file), ".rego")
		query, err := rego.New(
			rego.Query("data.pyrox."+name+".violations"),
			rego.Module(file, string(text)),
		).PrepareForEval(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		policies = append(policies, policy{name, query})
	}
	return policies, nil
}

func parsed(line []byte) (ast.Value, error) {
	var document any
	if err := json.Unmarshal(line, &document); err != nil {
		return nil, err
	}
	return ast.InterfaceToValue(document)
}

func judge(ctx context.Context, one policy, input ast.Value, into *figures) error {
	begin := time.Now()
	found, err := one.query.Eval(ctx, rego.EvalParsedInput(input))
	took := time.Since(begin)
	if err != nil {
		return fmt.Errorf("%s: %w", one.name, err)
	}
	messages := []string{}
	if len(found) > 0 {
		for _, message := range found[0].Expressions[0].Value.([]any) {
			messages = append(messages, message.(string))
		}
	}
	sort.Strings(messages)
	into.Nanoseconds = append(into.Nanoseconds, took.Nanoseconds())
	into.Messages = append(into.Messages, messages)
	return nil
}
