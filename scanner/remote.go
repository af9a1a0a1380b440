package scanner

import (
	"errors"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// worldOf gives a frame's isolated world of this name, and makes it where there is none.
func (t *tab) worldOf(frame cdp.FrameID, name string) (runtime.ExecutionContextID, error) {
	w, err := call(t, page.CreateIsolatedWorld, page.CreateIsolatedWorldParams{FrameID: frame, WorldName: name})
	return w.ExecutionContextID, err
}

// on calls a function with an object of the browser as this, waits for what it promises, and returns it by value.
func (t *tab) on(object runtime.RemoteObjectID, function string, args ...runtime.RemoteObjectID) (*runtime.RemoteObject, error) {
	yes := true
	p := runtime.CallFunctionOnParams{FunctionDeclaration: function, ObjectID: object, ReturnByValue: &yes, AwaitPromise: &yes, UserGesture: &yes}
	for _, a := range args {
		p.Arguments = append(p.Arguments, &runtime.CallArgument{ObjectID: a})
	}
	res, err := call(t, runtime.CallFunctionOn, p)
	if err != nil {
		return nil, err
	}
	if res.ExceptionDetails != nil {
		return nil, errors.New(res.ExceptionDetails.Text)
	}
	return res.Result, nil
}

// inPage evaluates an expression among a frame's own scripts. Worlds of frames can only be told apart by their
// documents, so the document is carried over from an isolated world.
func (t *tab) inPage(frame cdp.FrameID, expression string) (*runtime.RemoteObject, error) {
	w, err := t.worldOf(frame, world)
	if err != nil {
		return nil, err
	}
	document, err := t.evaluate(runtime.EvaluateParams{Expression: "document", ContextID: w}, nil)
	if err != nil {
		return nil, err
	}
	d, err := call(t, dom.DescribeNode, dom.DescribeNodeParams{ObjectID: document.ObjectID})
	if err != nil {
		return nil, err
	}
	own, err := call(t, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: d.Node.BackendNodeID})
	if err != nil {
		return nil, err
	}
	return t.on(own.Object.ObjectID, "function() { return ("+expression+") }")
}
