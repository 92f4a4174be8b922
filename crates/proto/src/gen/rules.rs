// @generated from the larder.rules.v1.rule options in proto/
use larder_rules::{Field, Kind, Message, Rule, Ruled};

static LARDER_ALERTING_V1_ACKNOWLEDGEINCIDENTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "incident_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_ADDINCIDENTNOTEREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "incident_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_EXPIRESILENCEREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "silence_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_EXPORTINCIDENTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "incident_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_GETINCIDENTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "incident_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_GETSILENCEREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "silence_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_HANDOVERINCIDENTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "incident_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_LISTALERTSREQUEST: Message = Message { fields: &[
    Field { number: 3, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 4, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_LISTINCIDENTSREQUEST: Message = Message { fields: &[
    Field { number: 2, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 3, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_LISTSILENCESREQUEST: Message = Message { fields: &[
    Field { number: 2, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 3, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_PREVIEWTEMPLATEREQUEST: Message = Message { fields: &[
    Field { number: 3, name: "incident_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_RESOLVEINCIDENTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "incident_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_ALERTING_V1_SNOOZEINCIDENTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "incident_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_BACKUP_V1_GETBACKUPREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "backup_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_BACKUP_V1_HOLDBACKUPREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "backup_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_BACKUP_V1_LISTBACKUPSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_BACKUP_V1_LISTDUMPSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_BACKUP_V1_RESCUEDATABASEREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "backup_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_BACKUP_V1_RESTOREBACKUPREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "backup_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_BACKUP_V1_RUNDRILLREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "backup_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_BACKUP_V1_VERIFYBACKUPREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "backup_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_BACKUP_V1_WATCHOPERATIONREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "operation_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_DELETEBUDGETREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "budget_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_DELETECUSTOMERREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_DELETEPRODUCTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_DELETEPROMOTIONREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "promotion_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_ERASECUSTOMERREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_GETBUDGETREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "budget_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_GETCUSTOMERREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_GETPRODUCTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_GETPROMOTIONREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "promotion_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_LISTBUDGETSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 3, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_LISTCUSTOMERSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_LISTPRODUCTSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_LISTPROMOTIONSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_CATALOG_V1_LISTTRANSACTIONSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 3, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 4, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_EXCHANGE_V1_EXPORTTABLEREQUEST: Message = Message { fields: &[
    Field { number: 6, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 7, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 11, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_CREATESESSIONREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "tenant_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_CREATETENANTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "tenant_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_DELETEROLEREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "role_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_DELETESESSIONREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "session_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_DISABLEUSERREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "user_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_ENABLEUSERREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "user_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_GETUSERREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "user_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_LISTAPIKEYSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_LISTAUDITEVENTSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_LISTSESSIONSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "user_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 3, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_LISTTENANTUSAGEREQUEST: Message = Message { fields: &[
    Field { number: 2, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 3, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_LISTTENANTSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_LISTUSERSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_REQUESTPASSWORDRESETREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "tenant_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_RESUMETENANTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "tenant_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_REVOKEAPIKEYREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "key_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_ROTATEAPIKEYREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "key_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_SETTENANTPLANREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "tenant_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_SETUSERROLESREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "user_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_SUSPENDTENANTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "tenant_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_IDENTITY_V1_UPSERTROLEREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "role_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_DELETEMARKETREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_EXPORTFEEDBACKREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_GETFEEDBACKSTATSREQUEST: Message = Message { fields: &[
    Field { number: 2, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 3, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_GETPLANSHEETREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_GETSALESANALYTICSREQUEST: Message = Message { fields: &[
    Field { number: 4, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 5, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_LISTDEMANDMODELSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_LISTFEEDBACKREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 5, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 6, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_LISTMARKETDAYSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 3, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_LISTMARKETPRODUCTSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 3, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_LISTMARKETSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_LISTSHOPPRODUCTSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_PLANMARKETDAYREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_MARKET_V1_SUBMITFEEDBACKREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "market_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_NUTRITION_V1_CALCULATETARGETSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_NUTRITION_V1_CONFIRMFOODMATCHREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "food_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_NUTRITION_V1_DESCRIBEPRODUCTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_NUTRITION_V1_LISTBODYMEASUREMENTSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 3, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_NUTRITION_V1_LISTFOODMATCHESREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_NUTRITION_V1_LISTINTAKESREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 3, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_NUTRITION_V1_SCOREPRODUCTSREQUEST: Message = Message { fields: &[
    Field { number: 4, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_NUTRITION_V1_SUBSTITUTEITEMREQUEST: Message = Message { fields: &[
    Field { number: 5, name: "food_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_EXPLAINRECOMMENDATIONREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_GETEXPERIMENTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "experiment_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_GETEXPERIMENTRESULTSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "experiment_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: true, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_LISTEXPERIMENTSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_LISTMODELSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "page_size", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 2, name: "page_token", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 2048, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_LISTSIMILARCUSTOMERSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_RANKPRODUCTSREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_RECOMMENDFORSESSIONREQUEST: Message = Message { fields: &[
    Field { number: 3, name: "limit", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 7, name: "session_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_RECOMMENDNEXTBASKETREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "limit", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_RECOMMENDPOPULARREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "limit", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_RECOMMENDREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "limit", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_RECOMMENDSIMILARREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "product_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
    Field { number: 2, name: "limit", kind: Kind::Whole, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 0, characters: "", minimum: Some(0.0), maximum: Some(1000.0), max_items: 0 }, inner: None },
    Field { number: 5, name: "customer_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
static LARDER_RECOMMENDATION_V1_STOPEXPERIMENTREQUEST: Message = Message { fields: &[
    Field { number: 1, name: "experiment_id", kind: Kind::Text, is_list: false, has_presence: false, rule: Rule { required: false, min_length: 0, max_length: 128, characters: "", minimum: None, maximum: None, max_items: 0 }, inner: None },
] };
impl Ruled for crate::larder::alerting::v1::AcknowledgeIncidentRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_ACKNOWLEDGEINCIDENTREQUEST);
}
impl Ruled for crate::larder::alerting::v1::AcknowledgeIncidentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::AddIncidentNoteRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_ADDINCIDENTNOTEREQUEST);
}
impl Ruled for crate::larder::alerting::v1::AddIncidentNoteResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::CreateOverrideRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::CreateOverrideResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::CreateSilenceRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::CreateSilenceResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::DeleteHeartbeatRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::DeleteHeartbeatResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::DeleteOverrideRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::DeleteOverrideResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ExpireSilenceRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_EXPIRESILENCEREQUEST);
}
impl Ruled for crate::larder::alerting::v1::ExpireSilenceResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ExportIncidentRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_EXPORTINCIDENTREQUEST);
}
impl Ruled for crate::larder::alerting::v1::ExportIncidentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ExportScheduleRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ExportScheduleResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::GetIncidentRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_GETINCIDENTREQUEST);
}
impl Ruled for crate::larder::alerting::v1::GetIncidentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::GetIncidentStatsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::GetIncidentStatsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::GetOnCallRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::GetOnCallResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::GetSilenceRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_GETSILENCEREQUEST);
}
impl Ruled for crate::larder::alerting::v1::GetSilenceResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::HandOverIncidentRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_HANDOVERINCIDENTREQUEST);
}
impl Ruled for crate::larder::alerting::v1::HandOverIncidentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ImportScheduleRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ImportScheduleResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ListAlertsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_LISTALERTSREQUEST);
}
impl Ruled for crate::larder::alerting::v1::ListAlertsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ListHeartbeatsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ListHeartbeatsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ListIncidentsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_LISTINCIDENTSREQUEST);
}
impl Ruled for crate::larder::alerting::v1::ListIncidentsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ListOverridesRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ListOverridesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ListProbesRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ListProbesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ListSilencesRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_LISTSILENCESREQUEST);
}
impl Ruled for crate::larder::alerting::v1::ListSilencesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::PreviewSilenceRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::PreviewSilenceResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::PreviewTemplateRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_PREVIEWTEMPLATEREQUEST);
}
impl Ruled for crate::larder::alerting::v1::PreviewTemplateResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::RecordHeartbeatRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::RecordHeartbeatResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::ResolveIncidentRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_RESOLVEINCIDENTREQUEST);
}
impl Ruled for crate::larder::alerting::v1::ResolveIncidentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::SendAlertsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::SendAlertsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::SendTestNotificationRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::SendTestNotificationResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::SnoozeIncidentRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_ALERTING_V1_SNOOZEINCIDENTREQUEST);
}
impl Ruled for crate::larder::alerting::v1::SnoozeIncidentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::TestRouteRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::TestRouteResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::UpsertHeartbeatRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::alerting::v1::UpsertHeartbeatResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::CreateBackupRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::CreateBackupResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::CreateDumpRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::CreateDumpResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::GetBackupRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_BACKUP_V1_GETBACKUPREQUEST);
}
impl Ruled for crate::larder::backup::v1::GetBackupResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::GetRecoveryStatusRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::GetRecoveryStatusResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::HoldBackupRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_BACKUP_V1_HOLDBACKUPREQUEST);
}
impl Ruled for crate::larder::backup::v1::HoldBackupResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::ListBackupsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_BACKUP_V1_LISTBACKUPSREQUEST);
}
impl Ruled for crate::larder::backup::v1::ListBackupsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::ListDumpsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_BACKUP_V1_LISTDUMPSREQUEST);
}
impl Ruled for crate::larder::backup::v1::ListDumpsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::LoadDumpRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::LoadDumpResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::PreviewRetentionRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::PreviewRetentionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::RescueDatabaseRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_BACKUP_V1_RESCUEDATABASEREQUEST);
}
impl Ruled for crate::larder::backup::v1::RescueDatabaseResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::RestoreBackupRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_BACKUP_V1_RESTOREBACKUPREQUEST);
}
impl Ruled for crate::larder::backup::v1::RestoreBackupResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::RunDrillRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_BACKUP_V1_RUNDRILLREQUEST);
}
impl Ruled for crate::larder::backup::v1::RunDrillResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::VerifyBackupRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_BACKUP_V1_VERIFYBACKUPREQUEST);
}
impl Ruled for crate::larder::backup::v1::VerifyBackupResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::backup::v1::WatchOperationRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_BACKUP_V1_WATCHOPERATIONREQUEST);
}
impl Ruled for crate::larder::backup::v1::WatchOperationResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchRecordInteractionsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchRecordInteractionsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchUpsertBudgetsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchUpsertBudgetsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchUpsertCustomersRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchUpsertCustomersResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchUpsertProductsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchUpsertProductsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchUpsertPromotionsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::BatchUpsertPromotionsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::DeleteBudgetRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_DELETEBUDGETREQUEST);
}
impl Ruled for crate::larder::catalog::v1::DeleteBudgetResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::DeleteCustomerRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_DELETECUSTOMERREQUEST);
}
impl Ruled for crate::larder::catalog::v1::DeleteCustomerResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::DeleteProductRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_DELETEPRODUCTREQUEST);
}
impl Ruled for crate::larder::catalog::v1::DeleteProductResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::DeletePromotionRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_DELETEPROMOTIONREQUEST);
}
impl Ruled for crate::larder::catalog::v1::DeletePromotionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::EraseCustomerRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_ERASECUSTOMERREQUEST);
}
impl Ruled for crate::larder::catalog::v1::EraseCustomerResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::GetBudgetRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_GETBUDGETREQUEST);
}
impl Ruled for crate::larder::catalog::v1::GetBudgetResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::GetCustomerRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_GETCUSTOMERREQUEST);
}
impl Ruled for crate::larder::catalog::v1::GetCustomerResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::GetProductRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_GETPRODUCTREQUEST);
}
impl Ruled for crate::larder::catalog::v1::GetProductResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::GetPromotionRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_GETPROMOTIONREQUEST);
}
impl Ruled for crate::larder::catalog::v1::GetPromotionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::ListBudgetsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_LISTBUDGETSREQUEST);
}
impl Ruled for crate::larder::catalog::v1::ListBudgetsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::ListCustomersRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_LISTCUSTOMERSREQUEST);
}
impl Ruled for crate::larder::catalog::v1::ListCustomersResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::ListProductsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_LISTPRODUCTSREQUEST);
}
impl Ruled for crate::larder::catalog::v1::ListProductsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::ListPromotionsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_LISTPROMOTIONSREQUEST);
}
impl Ruled for crate::larder::catalog::v1::ListPromotionsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::ListTransactionsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_CATALOG_V1_LISTTRANSACTIONSREQUEST);
}
impl Ruled for crate::larder::catalog::v1::ListTransactionsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::StreamInteractionsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::catalog::v1::StreamInteractionsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::CancelImportRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::CancelImportResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::CommitImportRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::CommitImportResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::CreateImportRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::CreateImportResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::ExportImportProblemsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::ExportImportProblemsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::ExportTableRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_EXCHANGE_V1_EXPORTTABLEREQUEST);
}
impl Ruled for crate::larder::exchange::v1::ExportTableResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::GetImportRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::GetImportResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::GetTemplateRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::GetTemplateResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::ListImportsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::ListImportsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::PreviewImportRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::PreviewImportResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::UndoImportRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::UndoImportResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::UploadImportPartRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::exchange::v1::UploadImportPartResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::flags::v1::EvaluateFlagRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::flags::v1::EvaluateFlagResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::flags::v1::ListFlagsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::flags::v1::ListFlagsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ChangePasswordRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ChangePasswordResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::CreateApiKeyRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::CreateApiKeyResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::CreateSessionRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_CREATESESSIONREQUEST);
}
impl Ruled for crate::larder::identity::v1::CreateSessionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::CreateTenantRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_CREATETENANTREQUEST);
}
impl Ruled for crate::larder::identity::v1::CreateTenantResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::CreateUserRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::CreateUserResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::DeleteRoleRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_DELETEROLEREQUEST);
}
impl Ruled for crate::larder::identity::v1::DeleteRoleResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::DeleteSessionRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_DELETESESSIONREQUEST);
}
impl Ruled for crate::larder::identity::v1::DeleteSessionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::DisableUserRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_DISABLEUSERREQUEST);
}
impl Ruled for crate::larder::identity::v1::DisableUserResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::EnableUserRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_ENABLEUSERREQUEST);
}
impl Ruled for crate::larder::identity::v1::EnableUserResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ExportAuditEventsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ExportAuditEventsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ExportUsageRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ExportUsageResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::GetAccountRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::GetAccountResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::GetUsageRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::GetUsageResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::GetUserRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_GETUSERREQUEST);
}
impl Ruled for crate::larder::identity::v1::GetUserResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ListApiKeysRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_LISTAPIKEYSREQUEST);
}
impl Ruled for crate::larder::identity::v1::ListApiKeysResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ListAuditEventsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_LISTAUDITEVENTSREQUEST);
}
impl Ruled for crate::larder::identity::v1::ListAuditEventsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ListRolesRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ListRolesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ListSessionsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_LISTSESSIONSREQUEST);
}
impl Ruled for crate::larder::identity::v1::ListSessionsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ListTenantUsageRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_LISTTENANTUSAGEREQUEST);
}
impl Ruled for crate::larder::identity::v1::ListTenantUsageResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ListTenantsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_LISTTENANTSREQUEST);
}
impl Ruled for crate::larder::identity::v1::ListTenantsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ListUsersRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_LISTUSERSREQUEST);
}
impl Ruled for crate::larder::identity::v1::ListUsersResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::RefreshSessionRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::RefreshSessionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::RequestPasswordResetRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_REQUESTPASSWORDRESETREQUEST);
}
impl Ruled for crate::larder::identity::v1::RequestPasswordResetResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ResetPasswordRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ResetPasswordResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::ResumeTenantRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_RESUMETENANTREQUEST);
}
impl Ruled for crate::larder::identity::v1::ResumeTenantResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::RevokeApiKeyRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_REVOKEAPIKEYREQUEST);
}
impl Ruled for crate::larder::identity::v1::RevokeApiKeyResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::RotateApiKeyRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_ROTATEAPIKEYREQUEST);
}
impl Ruled for crate::larder::identity::v1::RotateApiKeyResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::SetTenantPlanRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_SETTENANTPLANREQUEST);
}
impl Ruled for crate::larder::identity::v1::SetTenantPlanResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::SetUserRolesRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_SETUSERROLESREQUEST);
}
impl Ruled for crate::larder::identity::v1::SetUserRolesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::SuspendTenantRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_SUSPENDTENANTREQUEST);
}
impl Ruled for crate::larder::identity::v1::SuspendTenantResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::UpsertRoleRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_IDENTITY_V1_UPSERTROLEREQUEST);
}
impl Ruled for crate::larder::identity::v1::UpsertRoleResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::VerifyAuditEventsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::identity::v1::VerifyAuditEventsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::BatchUpsertMarketDaysRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::BatchUpsertMarketDaysResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::BatchUpsertMarketProductsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::BatchUpsertMarketProductsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::BatchUpsertMarketsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::BatchUpsertMarketsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::BatchUpsertShopProductsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::BatchUpsertShopProductsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ConnectSquareRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ConnectSquareResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::DeleteMarketRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_DELETEMARKETREQUEST);
}
impl Ruled for crate::larder::market::v1::DeleteMarketResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::DisconnectSquareRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::DisconnectSquareResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ExportFeedbackRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_EXPORTFEEDBACKREQUEST);
}
impl Ruled for crate::larder::market::v1::ExportFeedbackResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::FinishSquareConnectionRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::FinishSquareConnectionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::GetFeedbackStatsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_GETFEEDBACKSTATSREQUEST);
}
impl Ruled for crate::larder::market::v1::GetFeedbackStatsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::GetPlanSheetRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_GETPLANSHEETREQUEST);
}
impl Ruled for crate::larder::market::v1::GetPlanSheetResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::GetSalesAnalyticsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_GETSALESANALYTICSREQUEST);
}
impl Ruled for crate::larder::market::v1::GetSalesAnalyticsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ListConnectorsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ListConnectorsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ListDemandModelsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_LISTDEMANDMODELSREQUEST);
}
impl Ruled for crate::larder::market::v1::ListDemandModelsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ListFeedbackRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_LISTFEEDBACKREQUEST);
}
impl Ruled for crate::larder::market::v1::ListFeedbackResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ListMarketDaysRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_LISTMARKETDAYSREQUEST);
}
impl Ruled for crate::larder::market::v1::ListMarketDaysResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ListMarketProductsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_LISTMARKETPRODUCTSREQUEST);
}
impl Ruled for crate::larder::market::v1::ListMarketProductsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ListMarketsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_LISTMARKETSREQUEST);
}
impl Ruled for crate::larder::market::v1::ListMarketsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ListShopProductsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_LISTSHOPPRODUCTSREQUEST);
}
impl Ruled for crate::larder::market::v1::ListShopProductsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::PlanMarketDayRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_PLANMARKETDAYREQUEST);
}
impl Ruled for crate::larder::market::v1::PlanMarketDayResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ReceiveSquareWebhookRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::ReceiveSquareWebhookResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::RecordSalesRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::RecordSalesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::RollBackDemandModelRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::RollBackDemandModelResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::SubmitFeedbackRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_MARKET_V1_SUBMITFEEDBACKREQUEST);
}
impl Ruled for crate::larder::market::v1::SubmitFeedbackResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::SyncSalesRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::market::v1::SyncSalesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::BatchLogBodyMeasurementsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::BatchLogBodyMeasurementsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::BatchLogIntakesRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::BatchLogIntakesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::CalculateTargetsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_NUTRITION_V1_CALCULATETARGETSREQUEST);
}
impl Ruled for crate::larder::nutrition::v1::CalculateTargetsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::ConfirmFoodMatchRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_NUTRITION_V1_CONFIRMFOODMATCHREQUEST);
}
impl Ruled for crate::larder::nutrition::v1::ConfirmFoodMatchResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::DescribeProductRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_NUTRITION_V1_DESCRIBEPRODUCTREQUEST);
}
impl Ruled for crate::larder::nutrition::v1::DescribeProductResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::ListBodyMeasurementsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_NUTRITION_V1_LISTBODYMEASUREMENTSREQUEST);
}
impl Ruled for crate::larder::nutrition::v1::ListBodyMeasurementsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::ListFoodMatchesRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_NUTRITION_V1_LISTFOODMATCHESREQUEST);
}
impl Ruled for crate::larder::nutrition::v1::ListFoodMatchesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::ListGuidelinesRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::ListGuidelinesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::ListIntakesRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_NUTRITION_V1_LISTINTAKESREQUEST);
}
impl Ruled for crate::larder::nutrition::v1::ListIntakesResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::MatchCatalogRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::MatchCatalogResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::MatchFoodsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::MatchFoodsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::PlanMealsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::PlanMealsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::ScoreProductsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_NUTRITION_V1_SCOREPRODUCTSREQUEST);
}
impl Ruled for crate::larder::nutrition::v1::ScoreProductsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::nutrition::v1::SubstituteItemRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_NUTRITION_V1_SUBSTITUTEITEMREQUEST);
}
impl Ruled for crate::larder::nutrition::v1::SubstituteItemResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ApplyDataRetentionRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ApplyDataRetentionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::EraseCustomerDataRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::EraseCustomerDataResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ExportCustomerRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ExportCustomerResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::GetErasureReportRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::GetErasureReportResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::GetPrivacyDocumentRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::GetPrivacyDocumentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ListErasuresRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ListErasuresResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ListLegalHoldsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ListLegalHoldsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::PreviewDataRetentionRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::PreviewDataRetentionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ReleaseLegalHoldRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::ReleaseLegalHoldResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::SetLegalHoldRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::SetLegalHoldResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::VerifyErasureReportRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::privacy::v1::VerifyErasureReportResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::BatchRecommendRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::BatchRecommendResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::CreateExperimentRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::CreateExperimentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::EstimatePolicyRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::EstimatePolicyResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::EvaluateModelRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::EvaluateModelResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::ExplainRecommendationRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_EXPLAINRECOMMENDATIONREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::ExplainRecommendationResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::GetExperimentRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_GETEXPERIMENTREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::GetExperimentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::GetExperimentResultsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_GETEXPERIMENTRESULTSREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::GetExperimentResultsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::GetModelRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::GetModelResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::GetModelSettingsRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::GetModelSettingsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::ListExperimentsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_LISTEXPERIMENTSREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::ListExperimentsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::ListModelsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_LISTMODELSREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::ListModelsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::ListSimilarCustomersRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_LISTSIMILARCUSTOMERSREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::ListSimilarCustomersResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::PinModelRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::PinModelResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::PromoteModelRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::PromoteModelResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::RankProductsRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_RANKPRODUCTSREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::RankProductsResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::RecommendForSessionRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_RECOMMENDFORSESSIONREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::RecommendForSessionResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::RecommendNextBasketRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_RECOMMENDNEXTBASKETREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::RecommendNextBasketResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::RecommendPopularRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_RECOMMENDPOPULARREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::RecommendPopularResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::RecommendRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_RECOMMENDREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::RecommendResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::RecommendSimilarRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_RECOMMENDSIMILARREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::RecommendSimilarResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::RollBackModelRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::RollBackModelResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::StopExperimentRequest {
    const RULES: Option<&'static Message> = Some(&LARDER_RECOMMENDATION_V1_STOPEXPERIMENTREQUEST);
}
impl Ruled for crate::larder::recommendation::v1::StopExperimentResponse {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::TrainModelRequest {
    const RULES: Option<&'static Message> = None;
}
impl Ruled for crate::larder::recommendation::v1::TrainModelResponse {
    const RULES: Option<&'static Message> = None;
}
