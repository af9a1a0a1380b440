package cookiedb

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"samtykke/consent"
)

// Example is one thing whose category is known, for the model to learn from.
type Example struct {
	Features
	Category consent.Category
	Weight   float64
	Vendor   string // examples of one vendor never stand on both sides when the model is measured
}

// How much an example of each source counts: our own are read with care, disclosures say little of what a thing is for.
const (
	weightOwn = 3
	weightOCD = 1
	weightTCF = 0.5
)

// Examples turns vendors' files and tables into what Train learns from, in an order that only depends on them.
func Examples(t Tables, vendors []Vendor) []Example {
	var all []Example
	add := func(vendor string, e Example) {
		e.Vendor, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(vendor)), " ")
		e.Name = strings.ReplaceAll(e.Name, "*", "")
		all = append(all, e)
	}
	for _, v := range vendors {
		for _, k := range v.Items {
			for _, f := range k.sightings(&v) {
				add(v.Vendor, Example{Features: f, Category: k.Category, Weight: weightOwn})
			}
		}
	}
	for _, f := range t.ocd() {
		party := consent.FirstParty
		if f.host != "" {
			party = consent.ThirdParty
		}
		add(f.vendor, Example{Features: Features{Name: f.name, Host: f.host, Party: party, Days: f.days}, Category: f.category, Weight: weightOCD})
	}
	for _, f := range t.tcf() {
		add(f.vendor, Example{Features: Features{Name: f.name, Party: consent.FirstParty, Days: f.days}, Category: f.category, Weight: weightTCF})
		if !f.storage {
			add(f.vendor, Example{Features: Features{Name: f.name, Party: consent.ThirdParty, Days: f.days}, Category: f.category, Weight: weightTCF})
		}
	}
	slices.SortStableFunc(all, func(a, b Example) int {
		return cmp.Or(cmp.Compare(a.Vendor, b.Vendor), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Party, b.Party))
	})
	return all
}

// sightings says how an item is met: under its host where it has one, on a site, or both where its vendor has hosts.
func (k *Known) sightings(v *Vendor) []Features {
	days := -1.0
	if life, err := ParseLifetime(k.Lifetime); err == nil && life >= 0 {
		days = life.Hours() / 24
	}
	f := Features{Name: k.Name, Party: consent.FirstParty, Days: days}
	third := Features{Name: k.Name, Party: consent.ThirdParty, Days: days, Host: k.Host}
	switch {
	case k.Host != "":
		return []Features{third}
	case k.Category == consent.Marketing && len(v.Hosts) > 0:
		third.Host = v.Hosts[0]
		return []Features{f, third}
	}
	return []Features{f}
}

// How the model learns. Few rounds and small steps keep it from learning names by heart; CrossValidate chose them.
const (
	rounds = 10
	rate   = 0.05
	decay  = 1e-3
)

// Train learns from examples: the same examples in the same order give the same bytes.
func Train(t Tables, examples []Example) []byte {
	return quantise(fit(prepare(t, examples)))
}

// prepared is an example as the model sees it.
type prepared struct {
	hasher
	class  int
	weight float64
}

func prepare(t Tables, examples []Example) []prepared {
	hosts := t.parse()
	all := make([]prepared, len(examples))
	for i := range examples {
		e := &examples[i]
		s := spelling(e.Name)
		all[i] = prepared{e.hashes(hosts, s, meant(s)), slices.Index(classOrder[:], e.Category), e.Weight}
	}
	balance(examples, all)
	return all
}

// balance gives every category the same weight among first-party things, and among those of unknown lifetime, which are
// mostly storage. How many of each the tables hold says how eagerly people collect them, not how often a name that none
// of them knows is one; of third parties' it does.
func balance(examples []Example, all []prepared) {
	sums := map[bool]*[classes]float64{true: {}, false: {}} // by whether the lifetime is known
	for i := range examples {
		if e := &examples[i]; e.Party == consent.FirstParty {
			sums[e.Days >= 0][all[i].class] += all[i].weight
		}
	}
	for i := range examples {
		if e := &examples[i]; e.Party == consent.FirstParty {
			sum := sums[e.Days >= 0]
			all[i].weight *= (sum[0] + sum[1] + sum[2] + sum[3]) / (classes * sum[all[i].class])
		}
	}
}

// fit is stochastic gradient descent with AdaGrad's steps. Products are converted before they are added, so that no
// processor fuses the two and rounds differently.
func fit(examples []prepared) []float64 {
	weights, squares := make([]float64, buckets*classes), make([]float64, buckets*classes)
	order := make([]int, len(examples))
	for i := range order {
		order[i] = i
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			learn(weights, squares, &examples[i])
		}
	}
	return weights
}

func learn(weights, squares []float64, e *prepared) {
	norm := 1 / math.Sqrt(float64(len(e.hasher)))
	var p [classes]float64
	for _, i := range e.hasher {
		for c := range p {
			p[c] += weights[int(i)*classes+c]
		}
	}
	for c := range p {
		p[c] *= norm
	}
	p = softmax(p)
	for c := range p {
		if c == e.class {
			p[c]--
		}
		p[c] *= e.weight * norm
	}
	for _, i := range e.hasher {
		for c := range p {
			at := int(i)*classes + c
			g := p[c] + float64(decay*weights[at])
			squares[at] += float64(g * g)
			weights[at] -= float64(rate * g / math.Sqrt(squares[at]+1e-8))
		}
	}
}

// quantise writes weights as bytes, in steps of a 127th of the heaviest.
func quantise(weights []float64) []byte {
	heaviest := 1e-9
	for _, w := range weights {
		heaviest = max(heaviest, math.Abs(w))
	}
	step := float32(heaviest / 127)
	data := binary.LittleEndian.AppendUint32(nil, math.Float32bits(step))
	for _, w := range weights {
		data = append(data, byte(int8(math.Round(w/float64(step)))))
	}
	return data
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
