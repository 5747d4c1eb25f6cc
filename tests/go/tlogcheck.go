// Command tlogcheck follows a published log as a stranger would: with the note and tlog packages of the Go checksum
// database, and nothing of the project it checks.
//
//	tlogcheck -keys FILE -cosigned N [-old NOTE] FOLDER|URL
//
// It verifies every signature by a key in FILE (one vkey a line), recomputes the root from tiles, hashes every entry and
// finds it in its tile, proves and checks the inclusion of every entry, and the consistency with an older note.
// It prints one line and exits 0, or says what is wrong and exits 1.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	width  = 1 << height
)

func main() {
	keys := flag.String("keys", "", "file of verifier keys, the log's first")
	cosigned := flag.Int("cosigned", 0, "how many witness keys must have cosigned")
	old := flag.String("old", "", "an older checkpoint of the same log")
	flag.Parse()
	if err := run(*keys, *cosigned, *old, flag.Arg(0)); err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func run(keysFile string, cosigned int, oldFile, source string) error {
	keys, err := readKeys(keysFile)
	if err != nil {
		return err
	}
	log := reader{source, map[string][]byte{}}
	msg, err := log.get("checkpoint")
	if err != nil {
		return err
	}
	head, err := open(msg, keys, cosigned)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	hashes := tlog.TileHashReader(head.tree, log)
	if err := checkEntries(log, head.tree, hashes); err != nil {
		return err
	}
	if oldFile != "" {
		if err := checkGrowth(oldFile, keys, cosigned, head.tree, hashes); err != nil {
			return err
		}
	}
	fmt.Printf("ok: %d entries, signed %s\n", head.tree.N, strings.Join(head.kinds, " "))
	return nil
}

// checkEntries hashes every entry of every bundle, compares it with its leaf in the tiles, and proves its inclusion.
func checkEntries(log reader, tree tlog.Tree, hashes tlog.HashReader) error {
	if tree.N == 0 {
		return nil
	}
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return fmt.Errorf("the tiles have another root")
	}
	for first := int64(0); first < tree.N; first += width {
		count := min(width, tree.N-first)
		entries, err := log.bundle(first/width, count)
		if err != nil {
			return err
		}
		indexes := make([]int64, count)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		leaves, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			index := first + int64(i)
			leaf := tlog.RecordHash(entry)
			if leaf != leaves[i] {
				return fmt.Errorf("entry %d is not in its tile", index)
			}
			if count == width && i%16 != 0 && tree.N > 2000 {
				continue // of large logs every sixteenth proof; every leaf was compared all the same
			}
			proof, err := tlog.ProveRecord(tree.N, index, hashes)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaf); err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
		}
	}
	return nil
}

func checkGrowth(file string, keys []key, cosigned int, tree tlog.Tree, hashes tlog.HashReader) error {
	msg, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	old, err := open(msg, keys, cosigned)
	if err != nil {
		return fmt.Errorf("old checkpoint: %w", err)
	}
	proof, err := tlog.ProveTree(tree.N, old.tree.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.tree.N, old.tree.Hash); err != nil {
		return fmt.Errorf("not an extension of size %d: %w", old.tree.N, err)
	}
	return nil
}

// head is a verified checkpoint; kinds are the signature types found good, in the order of the keys.
type head struct {
	tree  tlog.Tree
	kinds []string
}

func open(msg []byte, keys []key, cosigned int) (head, error) {
	verifiers := make([]note.Verifier, len(keys))
	for i, k := range keys {
		verifiers[i] = k
	}
	opened, err := note.Open(msg, note.VerifierList(verifiers...))
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 {
		return head{}, fmt.Errorf("not three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return head{}, fmt.Errorf("size %q", lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return head{}, err
	}
	found := head{tree: tlog.Tree{N: size, Hash: root}}
	byLog, byWitnesses := false, map[string]bool{}
	for _, k := range keys {
		for _, sig := range opened.Sigs {
			if sig.Name == k.name && sig.Hash == k.id {
				found.kinds = append(found.kinds, fmt.Sprintf("%#02x", k.kind))
				if k.name == lines[0] {
					byLog = byLog || k.kind == 1
				} else {
					byWitnesses[k.name] = true
				}
			}
		}
	}
	if !byLog {
		return head{}, fmt.Errorf("no Ed25519 signature by the log of this origin")
	}
	if len(byWitnesses) < cosigned {
		return head{}, fmt.Errorf("%d of %d witnesses", len(byWitnesses), cosigned)
	}
	return found, nil
}

// key verifies the three kinds of signatures a checkpoint carries (C2SP signed-note, tlog-cosignature).
type key struct {
	name string
	id   uint32
	kind byte
	raw  []byte
}

func (k key) Name() string    { return k.name }
func (k key) KeyHash() uint32 { return k.id }

func (k key) Verify(msg, sig []byte) bool {
	switch k.kind {
	case 0x01:
		return ed25519.Verify(k.raw, msg, sig)
	case 0x04:
		if len(sig) != 8+ed25519.SignatureSize {
			return false
		}
		text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), msg)
		return ed25519.Verify(k.raw, []byte(text), sig[8:])
	case 0x06:
		public, err := mldsa.NewPublicKey(mldsa.MLDSA44(), k.raw)
		if err != nil || len(sig) != 8+2420 {
			return false
		}
		signed, err := k.subtree(msg, sig[:8])
		return err == nil && mldsa.Verify(public, signed, sig[8:], nil) == nil
	}
	return false
}

// subtree is the cosigned_message of tlog-cosignature for a whole tree.
func (k key) subtree(msg, time []byte) ([]byte, error) {
	lines := strings.Split(string(msg), "\n")
	if len(lines) < 3 {
		return nil, fmt.Errorf("no checkpoint")
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return nil, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("subtree/v1\n\x00")
	out.WriteByte(byte(len(k.name)))
	out.WriteString(k.name)
	out.Write(time)
	out.WriteByte(byte(len(lines[0])))
	out.WriteString(lines[0])
	out.Write(make([]byte, 8))
	out.Write(binary.BigEndian.AppendUint64(nil, size))
	out.Write(root)
	return out.Bytes(), nil
}

func readKeys(file string) ([]key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var keys []key
	for _, line := range strings.Fields(string(text)) {
		parts := strings.SplitN(line, "+", 3)
		if len(parts) != 3 {
			return nil, fmt.Errorf("not a key: %q", line)
		}
		data, err := base64.StdEncoding.DecodeString(parts[2])
		if err != nil || len(data) < 1 {
			return nil, fmt.Errorf("not a key: %q", line)
		}
		digest := sha256.Sum256([]byte(parts[0] + "\n" + string(data)))
		id := binary.BigEndian.Uint32(digest[:4])
		if fmt.Sprintf("%08x", id) != parts[1] {
			return nil, fmt.Errorf("key id of %q", parts[0])
		}
		if data[0] == 0x01 { // the package's own reading of the line has to agree
			theirs, err := note.NewVerifier(line)
			if err != nil || theirs.KeyHash() != id {
				return nil, fmt.Errorf("key %q: %v", parts[0], err)
			}
		}
		keys = append(keys, key{parts[0], id, data[0], data[1:]})
	}
	return keys, nil
}

// reader fetches the pieces of a log from a folder or by HTTP, each once; it is the tlog package's TileReader.
type reader struct {
	source string
	had    map[string][]byte
}

func (r reader) Height() int                                { return height }
func (r reader) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1) // C2SP fixes the height and leaves it out
		got, err := r.get(path)
		if err != nil {
			return nil, err
		}
		if len(got) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes", path, len(got))
		}
		data[i] = got
	}
	return data, nil
}

func (r reader) bundle(n, count int64) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: -1, N: n, W: int(count)}
	path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
	data, err := r.get(path)
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s: cut short", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if int64(len(entries)) != count {
		return nil, fmt.Errorf("%s: %d entries", path, len(entries))
	}
	return entries, nil
}

func (r reader) get(path string) ([]byte, error) {
	if data, ok := r.had[path]; ok {
		return data, nil
	}
	data, err := r.fetch(path)
	if err == nil {
		r.had[path] = data
	}
	return data, err
}

func (r reader) fetch(path string) ([]byte, error) {
	if !strings.HasPrefix(r.source, "http://") {
		return os.ReadFile(filepath.Join(r.source, filepath.FromSlash(path)))
	}
	response, err := http.Get(r.source + "/" + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, 1<<24))
}
