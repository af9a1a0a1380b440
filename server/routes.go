package server

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// routes is every address that the server answers.
func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = ipExtractor(s.cfg.TrustedProxies)
	e.HTTPErrorHandler = s.handleError
	e.Use(middleware.RecoverWithConfig(middleware.RecoverConfig{LogErrorFunc: s.logPanic}))

	// What visitors' browsers reach. No cookie, no login.
	e.GET("/s/:file", s.currentBundle)
	e.GET("/s/:site/:file", s.frozenFile)
	e.POST("/v1/sites/:site/consents", s.recordConsent)
	e.OPTIONS("/v1/sites/:site/consents", s.preflight)
	e.GET("/v1/sites/:site/visitors/:visitor", s.visitorHistory)
	e.DELETE("/v1/sites/:site/visitors/:visitor", s.eraseVisitor)
	e.OPTIONS("/v1/sites/:site/visitors/:visitor", s.preflight)
	e.POST("/v1/sites/:site/visitors/:visitor/restrict", s.restrictVisitor)
	e.OPTIONS("/v1/sites/:site/visitors/:visitor/restrict", s.preflight)
	e.GET("/v1/sites/:site/visitors/:visitor/acts/:act/receipt", s.visitorReceipt)
	e.GET("/d/:site", s.declaration) // in the language that the browser prefers
	e.GET("/d/:site/embed.js", s.declarationEmbed)
	e.GET("/d/:site/page.css", s.declarationCSS)
	e.GET("/d/:site/rights.css", s.rightsCSS)
	e.GET("/d/:site/rights.js", s.rightsJS)
	e.GET("/d/:site/:lang/rights", s.rightsPage)
	e.POST("/d/:site/:lang/rights", s.useRights)
	e.GET("/d/:site/:lang", s.declaration, middleware.Gzip()) // da, en, and da.json, en.json
	e.GET("/d/:site/:version/:lang", s.oldDeclaration, middleware.Gzip())
	e.GET("/uc.js", s.cookiebotScript) // Cookiebot's addresses
	e.GET("/cd.js", s.cookiebotDeclaration)
	e.GET("/:cbid/cd.js", s.cookiebotDeclaration)

	// What proves what the logs hold.
	e.GET("/.well-known/samtykke-checkpoint", s.checkpoint)
	e.GET("/v1/sites/:site/consistency", s.logConsistency)
	e.GET("/verify", s.verifierPage)
	e.GET("/.well-known/jwks.json", s.jwks)

	// What machines ask.
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", s.ready)
	e.GET("/assets/:file", s.assetFile)

	// The dashboard: before and after the login. All answers are pages; all POSTs are plain forms.
	open := e.Group("", s.pageHeaders, s.sameOrigin)
	open.GET("/login", s.loginPage)
	open.POST("/login", s.login)
	in := open.Group("", s.loggedIn)
	in.POST("/logout", s.logout)
	in.GET("/password", s.passwordPage)
	in.POST("/password", s.changePassword)
	in.POST("/language", s.changeLanguage)
	in.GET("/", s.sitesPage)
	in.GET("/audit", s.installationAuditPage)
	in.GET("/audit.jsonl", s.exportInstallationAuditLog)
	in.GET("/sites/new", s.newSitePage)
	in.POST("/sites", s.addSite)
	in.GET("/sites/:site", s.sitePage)
	in.GET("/sites/:site/audit", s.auditPage)
	in.GET("/sites/:site/audit.jsonl", s.exportAuditLog)
	in.GET("/sites/:site/consents", s.consentsPage)
	in.GET("/sites/:site/consents.csv", s.exportConsents)
	in.GET("/sites/:site/consents/:visitor/:id", s.consentPage)
	in.GET("/sites/:site/pack", s.packPage)
	in.GET("/sites/:site/pack.zip", s.packFile)
	in.GET("/sites/:site/rights", s.rightsDeskPage)
	in.POST("/sites/:site/rights", s.useRightsDesk)
	in.GET("/sites/:site/settings", s.settingsPage)
	in.POST("/sites/:site/settings", s.changeSettings)
	in.GET("/sites/:site/retention", s.retentionPage)
	in.POST("/sites/:site/retention", s.changeRetention)
	in.GET("/sites/:site/delete", s.deletePage)
	in.POST("/sites/:site/delete", s.deleteSite)
	in.GET("/sites/:site/texts", s.textsPage)
	in.POST("/sites/:site/texts", s.changeTexts)
	in.GET("/sites/:site/declaration", s.itemsPage)
	in.POST("/sites/:site/declaration", s.changeItems)
	in.POST("/sites/:site/scan", s.importScan)
	in.GET("/sites/:site/notices", s.noticesPage)
	in.GET("/sites/:site/notices/:version", s.noticePage)
	in.POST("/sites/:site/notices", s.publishNotice)
	in.GET("/sites/:site/notices/:version/replay", s.replayNotice)
	in.GET("/sites/:site/notices/:version/pictures/:file", s.picture)
	in.POST("/sites/:site/notices/:version/pictures", s.retakePictures)
	in.GET("/sites/:site/papers", s.papersPage)
	in.POST("/sites/:site/papers", s.acceptAgreement)
	in.GET("/sites/:site/papers/accepted/:num", s.acceptedPaper)
	in.GET("/sites/:site/papers/:paper/:lang", s.paperPage)
	in.GET("/installation", s.installationPage)
	in.POST("/installation", s.changeInstallation)
	return e
}
