package inspection

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// Result is what a pack that verifies has proven.
type Result struct {
	Files   int // unchanged since the pack was made
	Notices int // that hash to their name
	Records ledger.Result
}

// maxSmall bounds what is read whole: hashes, a notice's parts.
const maxSmall = 64 << 20

// Verify proves that every file of a pack is the one that was put in, that each notice hashes to the value that the records
// name, and that the records are complete and unchanged. SHA256SUMS alone is signed by nobody: what can't be forged without
// the key are the records, and the notices that they name.
func Verify(r io.ReaderAt, size int64, o ledger.Options) (Result, error) {
	var out Result
	z, err := zip.NewReader(r, size)
	if err != nil {
		return out, fmt.Errorf("this is no inspection pack: %w", err)
	}
	files := map[string]*zip.File{}
	for _, f := range z.File {
		if files[f.Name] != nil {
			return out, fmt.Errorf("%s is in it twice", f.Name)
		}
		files[f.Name] = f
	}
	if out.Files, err = checkHashes(files); err != nil {
		return out, err
	}
	if out.Notices, err = checkNotices(files); err != nil {
		return out, err
	}
	f := files[recordsName]
	if f == nil {
		return out, nil
	}
	in, err := f.Open()
	if err != nil {
		return out, err
	}
	defer in.Close()
	if f.UncompressedSize64 == 0 {
		return out, nil
	}
	out.Records, err = ledger.VerifyExport(in, o)
	if err != nil {
		err = fmt.Errorf("%s: %w", recordsName, err)
	}
	return out, err
}

func read(f *zip.File) ([]byte, error) {
	if f == nil {
		return nil, errors.New("a file is missing")
	}
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxSmall+1))
	if len(b) > maxSmall {
		return nil, fmt.Errorf("%s is too large", f.Name)
	}
	return b, err
}

// checkHashes compares every file with the list, and the list with the files.
func checkHashes(files map[string]*zip.File) (int, error) {
	list, err := read(files[hashesName])
	if err != nil {
		return 0, fmt.Errorf("%s: %w", hashesName, err)
	}
	listed := map[string]bool{hashesName: true}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		want, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || files[name] == nil || listed[name] {
			return 0, fmt.Errorf("%s is named in %s and isn't there", name, hashesName)
		}
		listed[name] = true
		in, err := files[name].Open()
		if err != nil {
			return 0, err
		}
		h := sha256.New()
		_, err = io.Copy(h, in) //nolint:gosec // hashed in passing, never held
		in.Close()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		if hex.EncodeToString(h.Sum(nil)) != want {
			return 0, fmt.Errorf("%s was changed", name)
		}
	}
	for name := range files {
		if !listed[name] {
			return 0, fmt.Errorf("%s was added", name)
		}
	}
	return len(files), lines.Err()
}

// checkNotices hashes each notice again.
func checkNotices(files map[string]*zip.File) (n int, err error) {
	for name := range sorted(files) {
		folder, ok := strings.CutSuffix(name, "/notice.json")
		if !ok || !strings.HasPrefix(folder, "notices/") {
			continue
		}
		if err := checkNotice(files, folder); err != nil {
			return n, fmt.Errorf("%s: %w", folder, err)
		}
		n++
	}
	return n, nil
}

func checkNotice(files map[string]*zip.File, folder string) error {
	var head struct {
		Hash consent.Hash `json:"hash"`
	}
	b, err := read(files[folder+"/notice.json"])
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return err
	}
	content, err := read(files[folder+"/content.json"])
	if err != nil {
		return err
	}
	script, err := read(files[folder+"/script.js"])
	if err != nil {
		return err
	}
	h := sha256.New()
	h.Write(content)
	h.Write([]byte{0})
	h.Write(bytes.Replace(script, []byte(head.Hash.String()), []byte(consent.NoHash), 1))
	prefix := folder + "/files/"
	for name, f := range sorted(files) {
		short, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		body, err := read(f)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "\x00%s\x00", short)
		h.Write(body)
	}
	if consent.Hash(h.Sum(nil)) != head.Hash {
		return fmt.Errorf("the notice doesn't hash to %s", head.Hash)
	}
	return nil
}

// sorted walks a map in the order of its keys.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}
