//! The object types that AWS Data Pipeline documents, and the fields of each.

/// What objects of a type are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Activity,
    DataNode,
    Database,
    Format,
    Resource,
    Action,
    Precondition,
    Schedule,
}

/// Fields of all that runs: data nodes, activities, preconditions and resources.
const OPERATIONAL: &[&str] = &[
    "attemptStatus",
    "attemptTimeout",
    "dependsOn",
    "failureAndRerunMode",
    "input",
    "lateAfterTimeout",
    "maxActiveInstances",
    "maximumRetries",
    "onFail",
    "onLateAction",
    "onSuccess",
    "output",
    "pipelineLogUri",
    "precondition",
    "reportProgressTimeout",
    "resourceRole",
    "retryDelay",
    "role",
    "runsOn",
    "schedule",
    "scheduleType",
    "workerGroup",
];

/// Each type with its class and the fields that it has beside those of all that runs.
const TYPES: &[(&str, Class, &[&str])] = &[
    (
        "DynamoDBDataNode",
        Class::DataNode,
        &[
            "dataFormat",
            "readThroughputPercent",
            "region",
            "tableName",
            "writeThroughputPercent",
        ],
    ),
    (
        "S3DataNode",
        Class::DataNode,
        &[
            "compression",
            "dataFormat",
            "directoryPath",
            "filePath",
            "manifestFilePath",
            "s3EncryptionType",
        ],
    ),
    ("SqlDataNode", Class::DataNode, SQL),
    ("MySqlDataNode", Class::DataNode, SQL),
    (
        "RedshiftDataNode",
        Class::DataNode,
        &[
            "createTableSql",
            "database",
            "primaryKeys",
            "schemaName",
            "tableName",
        ],
    ),
    ("CopyActivity", Class::Activity, &[]),
    ("EmrActivity", Class::Activity, CLUSTER),
    ("HadoopActivity", Class::Activity, CLUSTER),
    ("HiveActivity", Class::Activity, CLUSTER),
    ("HiveCopyActivity", Class::Activity, CLUSTER),
    ("PigActivity", Class::Activity, CLUSTER),
    (
        "RedshiftCopyActivity",
        Class::Activity,
        &["commandOptions", "insertMode", "queue", "transformSql"],
    ),
    (
        "ShellCommandActivity",
        Class::Activity,
        &[
            "command",
            "scriptArgument",
            "scriptUri",
            "stage",
            "stderr",
            "stdout",
        ],
    ),
    (
        "SqlActivity",
        Class::Activity,
        &["database", "queue", "script", "scriptArgument", "scriptUri"],
    ),
    (
        "DynamoDBDataExists",
        Class::Precondition,
        &["preconditionTimeout", "tableName"],
    ),
    (
        "DynamoDBTableExists",
        Class::Precondition,
        &["preconditionTimeout", "tableName"],
    ),
    ("Exists", Class::Precondition, &["preconditionTimeout"]),
    (
        "S3KeyExists",
        Class::Precondition,
        &["preconditionTimeout", "s3Key"],
    ),
    (
        "S3PrefixNotEmpty",
        Class::Precondition,
        &["preconditionTimeout", "s3Prefix"],
    ),
    (
        "ShellCommandPrecondition",
        Class::Precondition,
        &[
            "command",
            "preconditionTimeout",
            "scriptArgument",
            "scriptUri",
            "stderr",
            "stdout",
        ],
    ),
    (
        "Ec2Resource",
        Class::Resource,
        &[
            "actionOnResourceFailure",
            "actionOnTaskFailure",
            "associatePublicIpAddress",
            "availabilityZone",
            "httpProxy",
            "imageId",
            "initTimeout",
            "instanceCount",
            "instanceType",
            "keyPair",
            "logUri",
            "maxActiveInstances",
            "minInstanceCount",
            "region",
            "runAsUser",
            "securityGroupIds",
            "securityGroups",
            "spotBidPrice",
            "subnetId",
            "terminateAfter",
            "useOnDemandOnLastAttempt",
        ],
    ),
    (
        "EmrCluster",
        Class::Resource,
        &[
            "actionOnResourceFailure",
            "actionOnTaskFailure",
            "additionalMasterSecurityGroupIds",
            "additionalSlaveSecurityGroupIds",
            "amiVersion",
            "applications",
            "availabilityZone",
            "bootstrapAction",
            "configuration",
            "coreEbsConfiguration",
            "coreGroupConfiguration",
            "coreInstanceBidPrice",
            "coreInstanceCount",
            "coreInstanceType",
            "customAmiId",
            "emrLogUri",
            "emrManagedMasterSecurityGroupId",
            "emrManagedSlaveSecurityGroupId",
            "enableDebugging",
            "hadoopSchedulerType",
            "hadoopVersion",
            "httpProxy",
            "initTimeout",
            "keyPair",
            "logUri",
            "masterEbsConfiguration",
            "masterGroupConfiguration",
            "masterInstanceBidPrice",
            "masterInstanceType",
            "maximumRetries",
            "region",
            "releaseLabel",
            "securityConfiguration",
            "securityGroupIds",
            "serviceAccessSecurityGroupId",
            "subnetId",
            "supportedProducts",
            "taskEbsConfiguration",
            "taskGroupConfiguration",
            "taskInstanceBidPrice",
            "taskInstanceCount",
            "taskInstanceType",
            "terminateAfter",
            "useOnDemandOnLastAttempt",
            "visibleToAllUsers",
            "volumeSize",
            "volumeType",
        ],
    ),
    (
        "EmrConfiguration",
        Class::Resource,
        &["classification", "configuration", "property"],
    ),
    ("Property", Class::Resource, &["key", "value"]),
    (
        "HttpProxy",
        Class::Resource,
        &[
            "hostname",
            "password",
            "port",
            "s3NoProxy",
            "username",
            "windowsDomain",
            "windowsWorkgroup",
        ],
    ),
    (
        "ShellScriptConfig",
        Class::Resource,
        &["scriptArgument", "scriptUri"],
    ),
    (
        "EbsConfiguration",
        Class::Resource,
        &["ebsBlockDeviceConfig", "ebsOptimized"],
    ),
    (
        "EbsBlockDeviceConfig",
        Class::Resource,
        &["volumeSpecification", "volumesPerInstance"],
    ),
    (
        "VolumeSpecification",
        Class::Resource,
        &["iops", "sizeInGB", "volumeType"],
    ),
    (
        "JdbcDatabase",
        Class::Database,
        &[
            "connectionString",
            "databaseName",
            "jdbcDriverClass",
            "jdbcDriverJarUri",
            "jdbcProperties",
            "password",
            "username",
        ],
    ),
    (
        "RdsDatabase",
        Class::Database,
        &[
            "databaseName",
            "jdbcDriverJarUri",
            "jdbcProperties",
            "password",
            "rdsInstanceId",
            "region",
            "username",
        ],
    ),
    (
        "RedshiftDatabase",
        Class::Database,
        &[
            "clusterId",
            "connectionString",
            "databaseName",
            "jdbcProperties",
            "password",
            "region",
            "username",
        ],
    ),
    (
        "CSV",
        Class::Format,
        &["column", "columnSeparator", "escapeChar", "recordSeparator"],
    ),
    (
        "TSV",
        Class::Format,
        &["column", "columnSeparator", "escapeChar", "recordSeparator"],
    ),
    (
        "Custom",
        Class::Format,
        &["column", "columnSeparator", "recordSeparator"],
    ),
    (
        "RegEx",
        Class::Format,
        &["column", "inputRegEx", "outputFormat"],
    ),
    ("DynamoDBDataFormat", Class::Format, &["column"]),
    ("DynamoDBExportDataFormat", Class::Format, &["column"]),
    (
        "SnsAlarm",
        Class::Action,
        &["message", "role", "subject", "topicArn"],
    ),
    ("Terminate", Class::Action, &[]),
    (
        "Schedule",
        Class::Schedule,
        &[
            "endDateTime",
            "occurrences",
            "period",
            "startAt",
            "startDateTime",
        ],
    ),
];

const SQL: &[&str] = &[
    "connectionString",
    "createTableSql",
    "database",
    "insertQuery",
    "password",
    "schemaName",
    "selectQuery",
    "table",
    "username",
];

/// Fields of activities on a cluster.
const CLUSTER: &[&str] = &[
    "argument",
    "filterSql",
    "generatedScriptsPath",
    "hadoopQueue",
    "hiveScript",
    "jarUri",
    "mainClass",
    "postActivityTaskConfig",
    "postStepCommand",
    "preActivityTaskConfig",
    "preStepCommand",
    "resizeClusterBeforeRunning",
    "resizeClusterMaxInstances",
    "script",
    "scriptUri",
    "scriptVariable",
    "stage",
    "step",
];

fn entry(kind: &str) -> Option<&'static (&'static str, Class, &'static [&'static str])> {
    TYPES.iter().find(|(name, ..)| *name == kind)
}

/// The class of a type.
pub(super) fn class(kind: &str) -> Option<Class> {
    entry(kind).map(|(_, class, _)| *class)
}

/// Whether a type has a field of this name.
pub(super) fn is_documented(kind: &str, class: Class, name: &str) -> bool {
    let own = entry(kind).is_some_and(|(.., fields)| fields.contains(&name));
    let runs = matches!(
        class,
        Class::Activity | Class::DataNode | Class::Resource | Class::Precondition
    );
    own || (runs && is_operational(name))
}

/// Whether all that runs has a field of this name.
pub(super) fn is_operational(name: &str) -> bool {
    OPERATIONAL.contains(&name)
}

/// Whether any type has a field of this name.
pub(super) fn is_documented_anywhere(name: &str) -> bool {
    TYPES.iter().any(|(.., fields)| fields.contains(&name))
}

/// Whether a precondition is one of a table, which a plan checks.
pub(super) fn is_of_table(kind: &str) -> bool {
    matches!(kind, "DynamoDBDataExists" | "DynamoDBTableExists")
}
