package ledger

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// trust follows the rotations from the keys given to the file's.
func trust(given []string, key string, rotations []string) (keys []string, known bool, err error) {
	keys = append(keys, given...)
	if len(given) == 0 {
		keys = []string{key}
		if len(rotations) > 0 {
			old, _, _, err := parseRotation(rotations[0])
			if err != nil {
				return nil, false, err
			}
			keys = []string{old}
		}
	}
	for _, signed := range rotations {
		old, next, _, err := parseRotation(signed)
		if err != nil {
			return nil, false, err
		}
		if _, err := OpenNote(signed, []string{old, next}); err != nil {
			return nil, false, err
		}
		if slices.Contains(keys, old) {
			keys = append(keys, next)
		}
	}
	if !slices.Contains(keys, key) {
		return nil, false, errors.New("it is not one that you trust, and none of those has handed over to it")
	}
	for _, signed := range slices.Backward(rotations) {
		// A key that is trusted vouches for the one before it, whose checkpoints may have been kept.
		if old, next, _, _ := parseRotation(signed); slices.Contains(keys, next) { //nolint:errcheck // it was read above
			keys = append(keys, old)
		}
	}
	return keys, len(given) > 0, nil
}

// openEarlier opens a checkpoint that may be signed with a key of before.
func openEarlier(signed string, keys []string) (c Checkpoint, err error) {
	for _, k := range keys {
		if c, err = OpenCheckpoint(signed, k); err == nil {
			return c, nil
		}
	}
	return c, err
}

// rotation is the text with which a key hands over to the next.
const rotation = "samtykke key rotation"

// Rotate signs with both keys that the next follows on the old one.
func Rotate(old, next Key, at time.Time) (string, error) {
	return Sign(strings.Join([]string{rotation, old.Public(), next.Public(), at.UTC().Format(atFormat)}, "\n")+"\n", old, next)
}

// parseRotation reads the text of a rotation without checking it.
func parseRotation(signed string) (old, next, at string, err error) {
	lines := strings.SplitN(signed, "\n", 5)
	if len(lines) < 5 || lines[0] != rotation {
		return "", "", "", errors.New("the handing over from one key to the next can't be read")
	}
	return lines[1], lines[2], lines[3], nil
}
