/** Millrace's pipeline for the AWS CDK. */
export type { EventsProps, LakeLifecycle, Person, RetrainPipelineProps, RetrainScheduleProps } from './props';
export { RetrainPipeline } from './retrain-pipeline';
