// @generated from the larder.rules.v1.rule options in proto/
