package cookiedb

import (
	_ "embed"
	"encoding/binary"
	"math"
	"sync"

	"samtykke/consent"
)

// The model is a multinomial logistic regression over hashed features: a row of weights for every bucket, one
// a class, each a number of steps. Its file is the step as a float32, then the weights as bytes.
const (
	buckets = 1 << 15
	classes = 4
)

// classOrder is the order of a row of weights.
var classOrder = [classes]consent.Category{consent.Necessary, consent.Preferences, consent.Statistics, consent.Marketing}

//go:embed model.bin
var modelFile []byte

type model struct {
	step    float64
	weights []int8
}

var trained = sync.OnceValue(func() *model { return readModel(modelFile) })

// readModel reads a file of weights; a file of another size is a model that knows nothing.
func readModel(data []byte) *model {
	m := &model{weights: make([]int8, buckets*classes)}
	if len(data) != 4+len(m.weights) {
		return m
	}
	m.step = float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
	for i := range m.weights {
		m.weights[i] = int8(data[4+i])
	}
	return m
}

// probabilities of the classes, in classOrder.
func (m *model) probabilities(h hasher) (p [classes]float64) {
	var sums [classes]int
	for _, i := range h {
		row := m.weights[i*classes : i*classes+classes]
		for c := range sums {
			sums[c] += int(row[c])
		}
	}
	scale := m.step / math.Sqrt(float64(len(h)))
	for c := range p {
		p[c] = float64(sums[c]) * scale
	}
	return softmax(p)
}

func softmax(p [classes]float64) [classes]float64 {
	top := max(p[0], p[1], p[2], p[3])
	sum := 0.0
	for c := range p {
		p[c] = math.Exp(p[c] - top)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return p
}

func likeliest(p [classes]float64) int {
	best := 0
	for c := range p {
		if p[c] > p[best] {
			best = c
		}
	}
	return best
}
