package evidence

// The signals of Consent Mode v2. Google asks for the first four; the other three steer tags of its tag manager.
var (
	AskedSignals = []string{"ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"}
	OtherSignals = []string{"functionality_storage", "personalization_storage", "security_storage"}
)
