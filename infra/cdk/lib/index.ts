/** Millrace's pipeline for the AWS CDK. */
export type {EventsProps, LakeLifecycle, Person, RetrainPipelineProps, RetrainScheduleProps, ScoreChangesProps} from './props';
export { RetrainPipeline } from './retrain-pipeline';
